DELIMITER $$

DROP PROCEDURE IF EXISTS _count_delivery $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _count_delivery (
  IN in_idempotency_key LONGTEXT,
  IN in_order_ref LONGTEXT,
  IN in_payment_id LONGTEXT,
  IN in_status LONGTEXT,
  IN in_amount BIGINT,
  IN in_currency LONGTEXT,
  OUT out_known BOOLEAN
)
COMMENT '
Description
  Counts one more delivery of an event that is in the inbox already, in the transaction of its caller; nothing else changes.
  Only what decides is compared: providers re-send an event with other bookkeeping around the same content. What the repeat
  does not name is no difference.

Parameters
  out_known BOOLEAN  FALSE: the inbox does not have this key

Errors
  idempotency_key_reused  the event under this key had other content

Locks
  the webhook, if there is one
'
BEGIN
  DECLARE v_same BOOLEAN;

  SELECT (in_order_ref IS NULL OR in_order_ref <=> order_ref OR LOWER(in_order_ref) <=> order_uuid)
         AND COALESCE(in_payment_id = payment_id, TRUE)
         AND payment_status = in_status
         AND amount_minor <=> in_amount
         AND currency <=> in_currency
    INTO v_same
    FROM payment_webhooks
   WHERE idempotency_key = in_idempotency_key
     FOR UPDATE;

  SET out_known = v_same IS NOT NULL;
  IF NOT v_same THEN
    CALL _raise('idempotency_key_reused', 'another event has this key; each event needs a key of its own');
  END IF;

  -- Only what was compared: a twin may have brought the event in the meantime.
  UPDATE payment_webhooks
     SET deliveries = deliveries + 1,
         last_received_at = UTC_TIMESTAMP(6)
   WHERE idempotency_key = in_idempotency_key AND out_known;
END $$

DELIMITER ;
