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
  as get_order documents it
'
BEGIN
  DECLARE v_payments, v_refunded, v_refund_due BIGINT DEFAULT 0;
  DECLARE v_dispute VARCHAR(6);

  -- Most orders have no payment yet when they are asked for, and to look once costs less than to add up nothing.
  SELECT COUNT(*) INTO v_payments FROM payments WHERE order_id = in_order_id;
  IF v_payments > 0 THEN
    SELECT COALESCE(SUM(IF(w.payment_id = o.payment_id, w.refunded_minor, 0)), 0), COALESCE(SUM(d.amount_due), 0),
           ELT(MAX(FIELD(w.dispute, 'won', 'lost', 'opened')), 'won', 'lost', 'opened')
      INTO v_refunded, v_refund_due, v_dispute
      FROM orders AS o
      JOIN payments AS w ON w.order_id = o.order_id
      LEFT JOIN money_owed AS d ON d.payment_id = w.payment_id
     WHERE o.order_id = in_order_id;
  END IF;

  SELECT o.order_uuid AS order_id, o.order_uuid AS hold_id, o.product_id, o.qty, o.customer_id, o.reference, o.metadata, o.status,
         o.unit_price_minor AS unit_price, o.amount_minor AS amount, o.currency, v_refunded AS refunded, v_refund_due AS refund_due,
         v_dispute AS dispute, o.created_at, d.pay_by,
         IF(o.status = 'pending', GREATEST(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), d.pay_by) DIV 1000, 0), NULL) AS pay_in_ms,
         o.paid_at, o.fulfilled_at, o.closed_at, o.cancelled_as, o.closed_reason, in_replayed AS replayed
    FROM orders AS o
    JOIN order_deadlines AS d ON d.order_id = o.order_id
   WHERE o.order_id = in_order_id;
END $$

DELIMITER ;
