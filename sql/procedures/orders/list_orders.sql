DELIMITER $$

DROP PROCEDURE IF EXISTS list_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_orders (
  IN in_customer_id LONGTEXT,
  IN in_reference LONGTEXT,
  IN in_status LONGTEXT,
  IN in_after LONGTEXT,
  IN in_limit LONGTEXT
)
COMMENT '
Description
  Lists orders page by page, the one whose hold is the newest first. Where the shop heard no answer to create_order, its reference finds
  the order, if there is one.

Parameters
  in_customer_id TEXT    of this customer, compared byte by byte; NULL: of all
  in_reference   TEXT    the one with this reference; NULL: all
  in_status      TEXT    pending, paid, cancelled or refunded; NULL: all
  in_after       TEXT    the id of the last order of the page before; NULL: the first page
  in_limit       BIGINT  1 to 1,000 orders; NULL: 100

Result set
  the columns of get_order but replayed; fewer rows than in_limit: the last page

Errors
  invalid_argument  a parameter is none of those

Locks
  none

Example
  mysql> CALL list_orders(NULL, ''shop-4711'', NULL, NULL, NULL)\\G
  *************************** 1. row ***************************
       order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
        hold_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     product_id: 1
            qty: 2
    customer_id: alice
      reference: shop-4711
       metadata: {"cart": 81}
         status: pending
     unit_price: 12900
         amount: 25800
       currency: EUR
       refunded: 0
     refund_due: 0
        dispute: NULL
     created_at: 2026-11-27 08:30:00.000000
         pay_by: 2026-11-27 08:45:00.000000
      pay_in_ms: 869305
        paid_at: NULL
   fulfilled_at: NULL
      closed_at: NULL
   cancelled_as: NULL
  closed_reason: NULL
  mysql> CALL list_orders(NULL, NULL, ''lost'', NULL, NULL);
  ERROR 31301 (45422): invalid_argument: status must be pending, paid, cancelled, refunded or NULL
'
BEGIN
  DECLARE v_after BINARY(16);
  DECLARE v_limit BIGINT;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_text('customer_id', COALESCE(in_customer_id, '-'), 128);
    CALL _require_text('reference', COALESCE(in_reference, '-'), 64);
    IF in_status NOT IN ('pending', 'paid', 'cancelled', 'refunded') THEN
      CALL _raise('invalid_argument', 'status must be pending, paid, cancelled, refunded or NULL', NULL);
    END IF;
    CALL _require_uuid('after', COALESCE(in_after, UUID()));
    CALL _require_number('limit', COALESCE(in_limit, 1), 1, 1000);
    COMMIT;
  END;

  SET v_after = COALESCE(UUID_TO_BIN(in_after), REPEAT(X'FF', 16)), v_limit = COALESCE(in_limit, 100);
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  -- Ids begin with their time, and every index here ends in them, so a page is read where it begins. MySQL is told which index: it would
  -- at times rather walk over all orders, in the hope of meeting enough of a customer's soon.
  WITH page AS (
    (SELECT order_id
       FROM orders FORCE INDEX (uq_orders_reference)
      WHERE reference = in_reference AND (in_customer_id IS NULL OR customer_id = in_customer_id)
        AND (in_status IS NULL OR status = in_status) AND order_id < v_after)
    UNION ALL
    (SELECT order_id
       FROM orders FORCE INDEX (ix_orders_customer_id_order_id)
      WHERE in_reference IS NULL AND customer_id = in_customer_id AND (in_status IS NULL OR status = in_status) AND order_id < v_after
      ORDER BY order_id DESC
      LIMIT v_limit)
    UNION ALL
    (SELECT order_id
       FROM orders FORCE INDEX (ix_orders_status)
      WHERE in_reference IS NULL AND in_customer_id IS NULL AND status = in_status AND order_id < v_after
      ORDER BY order_id DESC
      LIMIT v_limit)
    UNION ALL
    (SELECT order_id
       FROM orders FORCE INDEX (PRIMARY)
      WHERE in_reference IS NULL AND in_customer_id IS NULL AND in_status IS NULL AND order_id < v_after
      ORDER BY order_id DESC
      LIMIT v_limit))
  SELECT o.order_uuid AS order_id, o.order_uuid AS hold_id, o.product_id, o.qty, o.customer_id, o.reference, o.metadata, o.status,
         o.unit_price_minor AS unit_price, o.amount_minor AS amount, o.currency, m.refunded, m.refund_due, m.dispute, o.created_at,
         d.pay_by, IF(o.status = 'pending', GREATEST(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), d.pay_by) DIV 1000, 0), NULL) AS pay_in_ms,
         o.paid_at, o.fulfilled_at, o.closed_at, o.cancelled_as, o.closed_reason
    FROM page
    JOIN orders AS o ON o.order_id = page.order_id
    JOIN order_deadlines AS d ON d.order_id = o.order_id
    JOIN LATERAL (SELECT CAST(COALESCE(SUM(IF(w.payment_id = o.payment_id, w.refunded_minor, 0)), 0) AS SIGNED) AS refunded,
                         CAST(COALESCE(SUM(d.amount_due), 0) AS SIGNED) AS refund_due,
                         ELT(MAX(FIELD(w.dispute, 'won', 'lost', 'opened')), 'won', 'lost', 'opened') AS dispute
                    FROM payments AS w
                    LEFT JOIN money_owed AS d ON d.payment_id = w.payment_id
                   WHERE w.order_id = o.order_id) AS m
   ORDER BY o.order_id DESC;
  COMMIT;
END $$

DELIMITER ;
