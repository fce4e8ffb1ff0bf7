DELIMITER $$

DROP PROCEDURE IF EXISTS _select_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _select_order (
  IN in_order_id BINARY(16),
  IN in_replayed BOOLEAN
)
COMMENT '
Description
  Returns an order as the result set of its caller; unit_price, amount and refunded (so far) in minor units.

Result set
  order_id, hold_id, product_id, qty, customer_id, status, unit_price, amount, currency, refunded, created_at, pay_by, paid_at,
  closed_at, closed_reason, replayed
'
BEGIN
  SELECT order_uuid AS order_id, order_uuid AS hold_id, product_id, qty, customer_id, status,
         unit_price_minor AS unit_price, amount_minor AS amount, currency, refunded_minor AS refunded,
         created_at, pay_by, paid_at, closed_at, closed_reason, in_replayed AS replayed
    FROM orders
   WHERE order_id = in_order_id;
END $$

DELIMITER ;
