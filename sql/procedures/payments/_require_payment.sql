DELIMITER $$

DROP PROCEDURE IF EXISTS _require_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_payment (
  IN in_idempotency_key LONGTEXT,
  IN in_order_id LONGTEXT,
  IN in_status LONGTEXT,
  IN in_amount BIGINT,
  IN in_currency LONGTEXT,
  IN in_payload LONGTEXT
)
COMMENT '
Description
  Refuses a payment event that is not well formed, naming the parameter.

Errors
  invalid_argument
'
BEGIN
  CALL _require_text('idempotency_key', in_idempotency_key, 255);
  IF (in_status IN ('succeeded', 'failed', 'refunded', 'other')) IS NOT TRUE THEN
    CALL _raise('invalid_argument', 'status must be succeeded, failed, refunded or other');
  END IF;
  IF in_status <> 'other' OR in_order_id IS NOT NULL THEN
    CALL _require_uuid('order_id', in_order_id);
  END IF;
  IF in_amount < 0 THEN
    CALL _raise('invalid_argument', 'amount must be a whole number of minor units, 0 or more, or NULL');
  END IF;
  IF in_currency IS NOT NULL THEN
    CALL _require_currency(in_currency);
  END IF;
  BEGIN
    -- JSON_VALID says no to what is not JSON, and 3157 to what is nested too deeply for MySQL.
    DECLARE EXIT HANDLER FOR 3157
      CALL _raise('invalid_argument', 'payload must be a JSON document, nested 100 deep at most, or NULL');
    IF NOT JSON_VALID(in_payload) THEN
      CALL _raise('invalid_argument', 'payload must be a JSON document, nested 100 deep at most, or NULL');
    END IF;
  END;
END $$

DELIMITER ;
