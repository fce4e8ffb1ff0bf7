DELIMITER $$

DROP PROCEDURE IF EXISTS _reclaim_for_late_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _reclaim_for_late_payment (
  IN in_order_id BINARY(16),
  OUT out_again BOOLEAN
)
COMMENT '
Description
  A success that comes for a cancelled order, or is decided anew, wants its units back: what has expired must be among them, so
  it is given back first, in a transaction of its own, because stripes come last in the order of locks. Other orders: nothing to do.

Parameters
  in_order_id BINARY(16)
  out_again   BOOLEAN     there was something to give back; the caller commits and comes again

Locks
  none, or those of _reclaim_expired
'
BEGIN
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_qty INT;
  DECLARE v_enough BOOLEAN;

  SELECT product_id, qty
    INTO v_product_id, v_qty
    FROM orders
   WHERE order_id = in_order_id AND status IN ('cancelled', 'refund_due');

  SET out_again = FALSE;
  IF v_product_id IS NOT NULL THEN
    CALL _read_stock(v_product_id, v_qty, v_enough, out_again);
  END IF;
  IF out_again THEN
    CALL _reclaim_expired(v_product_id, v_qty);
  END IF;
END $$

DELIMITER ;
