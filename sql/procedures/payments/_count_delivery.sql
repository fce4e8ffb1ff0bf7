DELIMITER $$

DROP PROCEDURE IF EXISTS _count_delivery $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _count_delivery (
  IN in_idempotency_key LONGTEXT,
  IN in_order_id BINARY(16),
  IN in_status LONGTEXT,
  IN in_amount BIGINT,
  IN in_currency LONGTEXT,
  IN in_occurred_at DATETIME(6)
)
COMMENT '
Description
  Counts one more delivery of an event that is in the inbox already, in the transaction of its caller; nothing else changes.
  The payload is not compared: providers re-send an event with other bookkeeping around the same content.

Errors
  idempotency_key_reused  the event under this key had other content

Locks
  the webhook
'
BEGIN
  DECLARE v_same BOOLEAN;

  SELECT order_id <=> in_order_id
         AND payment_status = in_status
         AND amount_minor <=> in_amount
         AND currency <=> in_currency
         AND occurred_at <=> in_occurred_at
    INTO v_same
    FROM payment_webhooks
   WHERE idempotency_key = in_idempotency_key
     FOR UPDATE;

  IF NOT v_same THEN
    CALL _raise('idempotency_key_reused', 'another event has this key; each event needs a key of its own');
  END IF;

  UPDATE payment_webhooks
     SET deliveries = deliveries + 1,
         last_received_at = UTC_TIMESTAMP(6)
   WHERE idempotency_key = in_idempotency_key;
END $$

DELIMITER ;
