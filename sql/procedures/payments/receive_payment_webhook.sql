DELIMITER $$

DROP PROCEDURE IF EXISTS receive_payment_webhook $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE receive_payment_webhook (
  IN in_idempotency_key LONGTEXT,
  IN in_order_id LONGTEXT,
  IN in_status LONGTEXT,
  IN in_amount BIGINT,
  IN in_currency LONGTEXT,
  IN in_occurred_at DATETIME(6),
  IN in_payload LONGTEXT
)
COMMENT '
Description
  Takes a payment event into the inbox, once, and lets it act on its order; parks it while the order does not exist yet.
  Events may come in any order and any number of times.

Parameters
  in_idempotency_key TEXT         the provider''s id of the event, 1 to 255 characters, compared byte by byte
  in_order_id        TEXT         the order, which has the id of its hold
  in_status          TEXT         succeeded, failed or refunded
  in_amount          BIGINT       minor units; NULL: the event names none
  in_currency        TEXT         ISO 4217; NULL: the event names none
  in_occurred_at     DATETIME(6)  UTC, by the provider''s clock; NULL: not named. Kept, never decided by
  in_payload         TEXT         the event as received, a JSON document; NULL: none

Result set
  webhook_id, idempotency_key, order_id, payment_status,
  outcome (parked, applied, ignored, amount_mismatch, refund_due), reason (NULL when applied or parked),
  order_status (NULL: no order yet), deliveries, replayed (1 for a repeat: nothing changed but deliveries)

Errors
  idempotency_key_reused  another event has this key
  invalid_argument        a parameter is NULL, out of bounds, too long or not what it should be

Locks
  the hold, or when there is none the order; the webhook; customer_units; stock_stripes

Example
  mysql> CALL receive_payment_webhook(''evt_1'', ''01a20319-2bbd-791d-84b2-71a78f2dfc9f'', ''succeeded'', 25800, ''EUR'', NULL, NULL)\\G
  *************************** 1. row ***************************
       webhook_id: 1
  idempotency_key: evt_1
         order_id: 01a20319-2bbd-791d-84b2-71a78f2dfc9f
   payment_status: succeeded
          outcome: applied
           reason: NULL
     order_status: paid
       deliveries: 1
         replayed: 0
  mysql> CALL receive_payment_webhook(''evt_2'', ''01a20319-2bbd-791d-84b2-71a78f2dfc9f'', ''lost'', NULL, NULL, NULL, NULL);
  ERROR 31301 (45422): invalid_argument: status must be succeeded, failed or refunded
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_hold_id BINARY(16);
  DECLARE v_order_status VARCHAR(10);
  DECLARE v_settled INT;
  DECLARE v_reclaiming BOOLEAN DEFAULT in_status = 'succeeded';
  DECLARE v_replayed BOOLEAN DEFAULT FALSE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_payment(in_idempotency_key, in_order_id, in_status, in_amount, in_currency, in_payload);
    SET v_order_id = UUID_TO_BIN(in_order_id);

    WHILE v_reclaiming DO
      START TRANSACTION;
      CALL _reclaim_for_late_payment(v_order_id, v_reclaiming);
      COMMIT;
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    END WHILE;

    BEGIN
      DECLARE EXIT HANDLER FOR 1062
      BEGIN
        ROLLBACK;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _count_delivery(in_idempotency_key, v_order_id, in_status, in_amount, in_currency, in_occurred_at);
        COMMIT;
        SET v_replayed = TRUE;
      END;

      START TRANSACTION;
      -- The hold first: create_order locks it too before it looks into the inbox, so neither can miss the other.
      SELECT hold_id INTO v_hold_id FROM holds WHERE hold_id = v_order_id FOR UPDATE;
      IF v_hold_id IS NULL THEN
        SELECT status INTO v_order_status FROM orders WHERE order_id = v_order_id FOR UPDATE;
      END IF;
      INSERT INTO payment_webhooks (idempotency_key, order_id, payment_status, amount_minor, currency, occurred_at, payload,
                                    outcome, deliveries, first_received_at, last_received_at)
      VALUES (in_idempotency_key, v_order_id, in_status, in_amount, in_currency, in_occurred_at, in_payload,
              'parked', 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6));
      IF v_order_status IS NOT NULL THEN
        CALL _apply_waiting_payments(v_order_id);
      ELSEIF v_hold_id IS NULL THEN
        CALL _settle_orphaned_payments(v_order_id, 1, v_settled);
      END IF;
      COMMIT;
    END;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_webhook(in_idempotency_key, v_replayed);
  COMMIT;
END $$

DELIMITER ;
