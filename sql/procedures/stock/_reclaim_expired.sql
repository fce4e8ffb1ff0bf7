DELIMITER $$

DROP PROCEDURE IF EXISTS _reclaim_expired $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _reclaim_expired (
  IN in_product_id INT UNSIGNED,
  IN in_qty INT,
  IN in_customer_id LONGTEXT
)
COMMENT '
Description
  Gives a product''s expired units back now, for somebody who needs in_qty of them, without waiting for the sweep.
  Its caller commits before it takes units, because stripes come last in the order of locks.
  It waits for sessions that give back the same units: what they return has to count for this buyer too.
  Each hold and order has a unit at least, so in_qty of them are enough; it takes 10,000 of each at most in one transaction.

Parameters
  in_customer_id TEXT  only what this customer has; NULL: of everybody

Locks
  the product, shared; holds and orders, waiting; then customer_units, then stock_stripes
'
BEGIN
  DECLARE v_limit INT DEFAULT LEAST(GREATEST(in_qty, 100), 10000);
  DECLARE v_holds, v_orders, v_units INT;
  DECLARE v_clock DATETIME(6);

  DO (SELECT product_id FROM products WHERE product_id = in_product_id FOR SHARE);
  SELECT clock INTO v_clock FROM product_clocks WHERE product_id = in_product_id;
  SELECT COUNT(*)
    INTO v_holds
    FROM (SELECT h.hold_id
            FROM (SELECT hold_id
                    FROM holds FORCE INDEX (ix_holds_product_id_expires_at)
                   WHERE product_id = in_product_id AND expires_at <= v_clock
                     AND (in_customer_id IS NULL OR customer_id = in_customer_id)
                   ORDER BY expires_at
                   LIMIT v_limit) AS expired
            STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = expired.hold_id
             FOR UPDATE OF h) AS mine;
  SELECT COUNT(*)
    INTO v_orders
    FROM (SELECT o.order_id
            FROM (SELECT order_id
                    FROM orders FORCE INDEX (ix_orders_product_id_status_pay_by)
                   WHERE product_id = in_product_id AND status = 'pending' AND pay_by <= v_clock
                     AND (in_customer_id IS NULL OR customer_id = in_customer_id)
                   ORDER BY pay_by
                   LIMIT v_limit) AS overdue
            STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = overdue.order_id
             FOR UPDATE OF o) AS mine;

  CALL _expire_units(in_product_id, in_customer_id, v_limit, v_limit, v_holds, v_orders, v_units);
END $$

DELIMITER ;
