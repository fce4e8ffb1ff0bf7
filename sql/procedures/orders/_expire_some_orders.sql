DELIMITER $$

DROP PROCEDURE IF EXISTS _expire_some_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _expire_some_orders (
  IN in_limit INT,
  OUT out_orders INT,
  OUT out_units INT
)
COMMENT '
Description
  Cancels up to in_limit overdue orders of some product that has any, in the transaction of its caller.

Parameters
  out_orders INT  0: nothing is overdue, or others are working on all of it
  out_units  INT

Locks
  those of _expire_orders_of
'
BEGIN
  DECLARE v_product_id INT UNSIGNED;

  SET out_orders = 0, out_units = 0;
  SELECT p.product_id
    INTO v_product_id
    FROM products AS p
    JOIN orders AS o ON o.product_id = p.product_id
   WHERE o.status = 'pending' AND o.pay_by <= UTC_TIMESTAMP(6)
   LIMIT 1
     FOR UPDATE OF o SKIP LOCKED;
  IF v_product_id IS NOT NULL THEN
    CALL _expire_orders_of(v_product_id, in_limit, out_orders, out_units);
  END IF;
END $$

DELIMITER ;
