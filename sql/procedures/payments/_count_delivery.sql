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
  the webhook, if there is one: found without a lock and locked by its primary key, for who deletes it locks the key''s entry last
'
BEGIN
  DECLARE v_webhook_id BIGINT UNSIGNED;
  DECLARE v_same BOOLEAN;

  SELECT webhook_id INTO v_webhook_id FROM payment_webhooks WHERE idempotency_key = in_idempotency_key;

  SELECT (in_order_ref IS NULL OR in_order_ref <=> order_ref OR LOWER(in_order_ref) <=> order_uuid)
         AND COALESCE(in_payment_id = payment_id, TRUE)
         AND payment_status = in_status
         AND amount_minor <=> in_amount
         AND currency <=> in_currency
    INTO v_same
    FROM payment_webhooks
   WHERE webhook_id = v_webhook_id
     FOR UPDATE;

  SET out_known = v_same IS NOT NULL;
  IF NOT v_same THEN
    CALL _raise('idempotency_key_reused', 'another event has this key; each event needs a key of its own', NULL);
  END IF;

  -- None, when it was not there: should a twin bring it just now, this delivery is counted in the next round.
  UPDATE payment_webhooks
     SET deliveries = deliveries + 1,
         last_received_at = UTC_TIMESTAMP(6)
   WHERE webhook_id = v_webhook_id;
END $$

DELIMITER ;
