DELIMITER $$

DROP PROCEDURE IF EXISTS _find_order_by_key $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _find_order_by_key (
  IN in_idempotency_key LONGTEXT,
  IN in_order_id BINARY(16),
  OUT out_found BOOLEAN
)
COMMENT '
Description
  Tells whether an earlier request under the same key made this very order.

Errors
  idempotency_key_reused  the key made an order from another hold

Locks
  none
'
BEGIN
  DECLARE v_order_id BINARY(16);

  SELECT order_id INTO v_order_id FROM orders WHERE idempotency_key = in_idempotency_key;
  SET out_found = COALESCE(v_order_id = in_order_id, FALSE);
  IF v_order_id <> in_order_id THEN
    CALL _raise('idempotency_key_reused', 'this key made an order from another hold; use a new key for a new order');
  END IF;
END $$

DELIMITER ;
