DELIMITER $$

DROP PROCEDURE IF EXISTS _pay_customer_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _pay_customer_units (
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  The units of an order that was pending are paid: they count as unpaid no longer. In the transaction of its caller. Where a
  product pauses customers, an order that was overdue before it was paid counts, whether the sweep saw it or not. For a set: _pay_units_of_orders.

Locks
  the row of the customer in customer_units, if there is one
'
BEGIN
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_customer_id VARCHAR(128);
  DECLARE v_qty, v_pause_seconds INT;
  DECLARE v_overdue_at DATETIME(6);

  -- Read first, and not joined in the UPDATE, which would lock the product after the order.
  SELECT o.product_id, o.customer_id, o.qty, IF(o.pay_by <= c.clock, o.pay_by, NULL), p.pause_seconds
    INTO v_product_id, v_customer_id, v_qty, v_overdue_at, v_pause_seconds
    FROM orders AS o
    JOIN products AS p ON p.product_id = o.product_id
    JOIN product_clocks AS c ON c.product_id = o.product_id
   WHERE o.order_id = in_order_id;

  UPDATE customer_units
     SET unpaid_units = unpaid_units - v_qty
   WHERE product_id = v_product_id AND customer_id = v_customer_id;
  IF v_overdue_at IS NOT NULL AND v_pause_seconds IS NOT NULL THEN
    CALL _pause_customers(JSON_ARRAY(JSON_ARRAY(v_product_id, v_customer_id, v_overdue_at, v_pause_seconds)));
  END IF;
END $$

DELIMITER ;
