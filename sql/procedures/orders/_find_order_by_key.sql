DELIMITER $$

DROP PROCEDURE IF EXISTS _find_order_by_key $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _find_order_by_key (
  IN in_idempotency_key LONGTEXT,
  IN in_order_id BINARY(16),
  IN in_reference LONGTEXT,
  IN in_metadata JSON,
  OUT out_found BOOLEAN
)
COMMENT '
Description
  Tells whether an earlier request under the same key made this very order, with the same reference and metadata.

Errors
  idempotency_key_reused  the key made an order from another hold, or with another reference or metadata

Locks
  none
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_is_same BOOLEAN;

  SELECT order_id, reference <=> in_reference AND metadata <=> in_metadata
    INTO v_order_id, v_is_same
    FROM orders
   WHERE idempotency_key = in_idempotency_key;
  SET out_found = COALESCE(v_order_id = in_order_id, FALSE);
  IF v_order_id <> in_order_id THEN
    CALL _raise('idempotency_key_reused', 'this key made an order from another hold; use a new key for a new order', NULL);
  ELSEIF NOT v_is_same THEN
    CALL _raise('idempotency_key_reused', 'this key made the order with another reference or metadata; get_order shows them', NULL);
  END IF;
END $$

DELIMITER ;
