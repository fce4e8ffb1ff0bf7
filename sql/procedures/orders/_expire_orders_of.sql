DELIMITER $$

DROP PROCEDURE IF EXISTS _expire_orders_of $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _expire_orders_of (
  IN in_product_id INT UNSIGNED,
  IN in_limit INT,
  OUT out_orders INT,
  OUT out_units INT
)
COMMENT '
Description
  Cancels up to in_limit orders of a product that are overdue, oldest first, in the transaction of its caller.
  An order that somebody is working on (its payment arrives) is skipped. Found and locked as in _expire_holds_of; what it is
  now, once locked, counts.

Parameters
  in_product_id INT
  in_limit      INT
  out_orders    INT  orders cancelled
  out_units     INT  units given back

Locks
  orders (skipping locked ones), then customer_units, then stock_stripes
'
BEGIN
  DECLARE v_order_ids JSON;

  SELECT JSON_ARRAYAGG(BIN_TO_UUID(order_id)), COUNT(*), COALESCE(SUM(qty), 0)
    INTO v_order_ids, out_orders, out_units
    FROM (SELECT o.order_id, o.qty
            FROM (SELECT order_id
                    FROM orders
                   WHERE product_id = in_product_id AND status = 'pending' AND pay_by <= UTC_TIMESTAMP(6)
                   ORDER BY pay_by
                   LIMIT in_limit) AS overdue
            STRAIGHT_JOIN orders AS o ON o.order_id = overdue.order_id
           WHERE o.status = 'pending'
             FOR UPDATE OF o SKIP LOCKED) AS mine;

  IF out_orders > 0 THEN
    CALL _close_orders(in_product_id, v_order_ids, 'cancelled', 'overdue: not paid in time');
  END IF;
END $$

DELIMITER ;
