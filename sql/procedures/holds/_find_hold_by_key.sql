DELIMITER $$

DROP PROCEDURE IF EXISTS _find_hold_by_key $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _find_hold_by_key (
  IN in_idempotency_key LONGTEXT,
  IN in_product_id INT UNSIGNED,
  IN in_qty INT,
  IN in_customer_id LONGTEXT,
  OUT out_hold_id BINARY(16)
)
COMMENT '
Description
  Finds the hold that an earlier request made under the same key, live or ended.

Parameters
  out_hold_id BINARY(16)  NULL: the key is new (or NULL)

Errors
  idempotency_key_reused  the earlier request had other parameters

Locks
  none; a hold only ever moves from holds to hold_history, so, looked for in this order, it is found in one of them
'
BEGIN
  DECLARE v_same BOOLEAN;

  SELECT hold_id, product_id = in_product_id AND qty = in_qty AND customer_id <=> in_customer_id
    INTO out_hold_id, v_same
    FROM holds
   WHERE idempotency_key = in_idempotency_key;

  IF out_hold_id IS NULL THEN
    SELECT hold_id, product_id = in_product_id AND qty = in_qty AND customer_id <=> in_customer_id
      INTO out_hold_id, v_same
      FROM hold_history
     WHERE idempotency_key = in_idempotency_key
     LIMIT 1;
  END IF;

  IF v_same = FALSE THEN
    CALL _raise('idempotency_key_reused', 'this key made a hold with other parameters; use a new key for a new hold', NULL);
  END IF;
END $$

DELIMITER ;
