DELIMITER $$

DROP PROCEDURE IF EXISTS _lock_purchase $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _lock_purchase (
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  Locks the hold or the order of this id, in the transaction of its caller, before anything is decided about its payments.
  Making an order of a hold, ending a hold and closing an order begin with the lock of the same row, so neither can miss the other.

Locks
  the order, or when there is none the hold
'
BEGIN
  DECLARE v_found BINARY(16);

  -- A hold is gone for good once its order is there, so only without an order the hold has to be locked.
  SELECT order_id INTO v_found FROM orders WHERE order_id = in_order_id FOR UPDATE;
  IF v_found IS NULL THEN
    SELECT hold_id INTO v_found FROM holds WHERE hold_id = in_order_id FOR UPDATE;
  END IF;
  IF v_found IS NULL THEN
    SELECT order_id INTO v_found FROM orders WHERE order_id = in_order_id FOR UPDATE;
  END IF;
END $$

DELIMITER ;
