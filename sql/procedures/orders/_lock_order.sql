DELIMITER $$

DROP PROCEDURE IF EXISTS _lock_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _lock_order (
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  Locks an order for a caller who changes it, in the transaction of that caller: what the caller reads of it then stays true.

Errors
  order_not_found

Locks
  the order
'
BEGIN
  DECLARE v_known BOOLEAN;

  SELECT COUNT(*) INTO v_known FROM orders WHERE order_id = in_order_id FOR UPDATE;
  IF NOT v_known THEN
    CALL _raise('order_not_found', 'no order has this id; create_order makes one from a live hold', NULL);
  END IF;
END $$

DELIMITER ;
