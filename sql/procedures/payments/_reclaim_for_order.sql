DELIMITER $$

DROP PROCEDURE IF EXISTS _reclaim_for_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _reclaim_for_order (
  IN in_order_id BINARY(16),
  OUT out_product_id INT UNSIGNED,
  OUT out_again BOOLEAN
)
COMMENT '
Description
  Before a payment takes the units of a lapsed order back: what expired must be among what it finds, so it is given back first, in a
  transaction of its own, because stripes come last in the order of locks. Other orders: nothing to do.

Parameters
  out_product_id INT      the product, which the caller then locks, shared, before the order; NULL: the order has not lapsed
  out_again      BOOLEAN  there was something to give back; the caller commits and comes again

Locks
  none, or those of _reclaim_expired
'
BEGIN
  DECLARE v_qty INT;
  DECLARE v_enough BOOLEAN;

  SELECT product_id, qty INTO out_product_id, v_qty FROM orders WHERE order_id = in_order_id AND cancelled_as = 'lapsed';
  SET out_again = FALSE;
  IF out_product_id IS NOT NULL THEN
    CALL _read_stock(out_product_id, v_qty, v_enough, out_again);
  END IF;
  IF out_again THEN
    CALL _reclaim_expired(out_product_id, v_qty, NULL);
  END IF;
END $$

DELIMITER ;
