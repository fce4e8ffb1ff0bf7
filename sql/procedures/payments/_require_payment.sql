DELIMITER $$

DROP PROCEDURE IF EXISTS _require_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_payment (
  IN in_idempotency_key LONGTEXT,
  IN in_order_id LONGTEXT,
  IN in_payment_id LONGTEXT,
  IN in_status LONGTEXT,
  IN in_amount LONGTEXT,
  IN in_currency LONGTEXT,
  IN in_payload LONGTEXT
)
COMMENT '
Description
  Refuses a payment event that is not well formed, naming the parameter. Looked at in one piece; only what is wrong somewhere is
  looked at piece by piece, to name it.

Errors
  invalid_argument
'
BEGIN
  DECLARE v_good BOOLEAN DEFAULT FALSE;
  DECLARE CONTINUE HANDLER FOR 3157 SET v_good = FALSE;   -- JSON that is nested too deeply for MySQL

  SET v_good = CHAR_LENGTH(in_idempotency_key) BETWEEN 1 AND 255
               AND in_status IN ('succeeded', 'declined', 'failed', 'refunded', 'refund_failed', 'dispute_opened', 'dispute_won',
                                 'dispute_lost', 'other')
               AND COALESCE(CHAR_LENGTH(in_order_id), CHAR_LENGTH(in_payment_id), IF(in_status = 'other', 1, 0)) BETWEEN 1 AND 255
               AND COALESCE(CHAR_LENGTH(in_payment_id), 1) BETWEEN 1 AND 255
               AND (in_amount IS NULL OR REGEXP_LIKE(in_amount, '^[0-9]{1,18}\\z'))
               AND (in_currency IS NULL OR (CHAR_LENGTH(in_currency) = 3 AND REGEXP_LIKE(in_currency, '^[A-Z]{3}$', 'c')))
               AND COALESCE(JSON_VALID(in_payload), TRUE);
  IF v_good IS NOT TRUE THEN
    CALL _require_text('idempotency_key', in_idempotency_key, 255);
    IF (in_status IN ('succeeded', 'declined', 'failed', 'refunded', 'refund_failed', 'dispute_opened', 'dispute_won', 'dispute_lost',
                      'other')) IS NOT TRUE THEN
      CALL _raise('invalid_argument', 'status must be succeeded, declined, failed, refunded, refund_failed, dispute_opened, _won, _lost or other', NULL);
    ELSEIF in_order_id IS NULL AND in_payment_id IS NULL AND in_status <> 'other' THEN
      CALL _raise('invalid_argument', 'order_id or payment_id must be given: an event is about a payment, and that about an order', NULL);
    END IF;
    CALL _require_text('order_id', COALESCE(in_order_id, '-'), 255);
    CALL _require_text('payment_id', COALESCE(in_payment_id, '-'), 255);
    IF in_amount IS NOT NULL THEN
      CALL _require_number('amount', in_amount, 0, 9223372036854775807);
    END IF;
    IF in_currency IS NOT NULL THEN
      CALL _require_currency(in_currency);
    END IF;
    SET v_good = FALSE;
    SET v_good = COALESCE(JSON_VALID(in_payload), TRUE);
    IF NOT v_good THEN
      CALL _raise('invalid_argument', 'payload must be a JSON document, nested 100 deep at most, or NULL', NULL);
    END IF;
  END IF;
END $$

DELIMITER ;
