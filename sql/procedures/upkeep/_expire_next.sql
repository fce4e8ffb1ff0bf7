DELIMITER $$

DROP PROCEDURE IF EXISTS _expire_next $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _expire_next (
  INOUT io_product_id INT UNSIGNED,
  IN in_max_holds INT,
  IN in_max_orders INT,
  INOUT io_holds INT,
  INOUT io_orders INT,
  OUT out_units INT
)
COMMENT '
Description
  One transaction of a sweep through all products, that of its caller: expires 500 holds and 500 orders of a product at most. The next
  one goes on with the same product while there may be more of it, else with the next product.

Parameters
  io_product_id INT  in: the product before, 0 for the first; out: the product, NULL when there is no other
  in_max_holds  INT  how many holds may end; NULL: as many as that
  in_max_orders INT  how many orders may be cancelled; NULL: as many as that
  io_holds      INT  in: the holds that ended in the transaction before, 0 for the first; out: those that ended in this one
  io_orders     INT  the same of orders
  out_units     INT  units given back

Locks
  those of _expire_units
'
BEGIN
  DECLARE v_batch INT DEFAULT 500;

  IF io_holds < v_batch AND io_orders < v_batch THEN
    CALL _next_expired_product(io_product_id);
  END IF;
  CALL _expire_units(io_product_id, NULL, LEAST(v_batch, COALESCE(in_max_holds, v_batch)), LEAST(v_batch, COALESCE(in_max_orders, v_batch)), io_holds, io_orders, out_units);
END $$

DELIMITER ;
