DELIMITER $$

DROP PROCEDURE IF EXISTS _select_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _select_order (
  IN in_order_id BINARY(16),
  IN in_replayed BOOLEAN
)
COMMENT '
Description
  Returns an order as the result set of its caller.

Result set
  order_id, hold_id, product_id, qty, customer_id, status (pending, paid, cancelled, refunded), unit_price and amount (minor
  units), currency, refunded (what went back of the payment that pays or paid it), refund_due (what has to go back, of all its
  payments), dispute (opened, won, lost; NULL: none), created_at, pay_by, pay_in_ms (by this server''s clock; NULL unless pending),
  paid_at, fulfilled_at, closed_at, cancelled_as (lapsed: a late payment may still take its units back; withdrawn: final; NULL),
  closed_reason, replayed
'
BEGIN
  SELECT o.order_uuid AS order_id, o.order_uuid AS hold_id, o.product_id, o.qty, o.customer_id, o.status,
         o.unit_price_minor AS unit_price, o.amount_minor AS amount, o.currency,
         COALESCE((SELECT w.refunded_minor FROM payments AS w WHERE w.payment_id = o.payment_id), 0) AS refunded,
         (SELECT COALESCE(SUM(d.amount_due), 0) FROM money_owed AS d WHERE d.order_id = o.order_id) AS refund_due,
         (SELECT ELT(MAX(FIELD(w.dispute, 'won', 'lost', 'opened')), 'won', 'lost', 'opened')
            FROM payments AS w
           WHERE w.order_id = o.order_id) AS dispute,
         o.created_at, o.pay_by,
         IF(o.status = 'pending', GREATEST(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), o.pay_by) DIV 1000, 0), NULL) AS pay_in_ms,
         o.paid_at, o.fulfilled_at, o.closed_at, o.cancelled_as, o.closed_reason, in_replayed AS replayed
    FROM orders AS o
   WHERE o.order_id = in_order_id;
END $$

DELIMITER ;
