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
  Events may come in any order and any number of times. What each does to its order stands in the table payment_rules.

Parameters
  in_idempotency_key TEXT         the provider''s id of the event, 1 to 255 characters, compared byte by byte
  in_order_id        TEXT         the order, which has the id of its hold; NULL is allowed for other
  in_status          TEXT         succeeded, failed or refunded; other: an event that moves no order, kept and ignored
  in_amount          BIGINT       minor units; of a refund: all that was given back so far; NULL: the event names none, which
                                  for a refund is everything
  in_currency        TEXT         ISO 4217; NULL: the event names none
  in_occurred_at     DATETIME(6)  UTC, by the provider''s clock; NULL: not named. Kept, never decided by
  in_payload         TEXT         the event as received, a JSON document; NULL: none

Result set
  webhook_id, idempotency_key, order_id, payment_status,
  outcome (parked, applied, ignored, amount_mismatch, refund_due; a repeat may also find refunded: it was refund_due, and the
  money went back), reason (NULL when applied or parked),
  order_status (NULL: no order yet), deliveries, replayed (1 for a repeat: nothing changed but deliveries)

Errors
  idempotency_key_reused  another event has this key
  invalid_argument        a parameter is NULL, out of bounds, too long or not what it should be

Locks
  the hold, or when there is none the order, or the ended hold; the webhook; customer_units; stock_stripes

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
  ERROR 31301 (45422): invalid_argument: status must be succeeded, failed, refunded or other
'
BEGIN
  DECLARE v_order_id, v_hold_id, v_ended_id BINARY(16);
  DECLARE v_order_status VARCHAR(10);
  DECLARE v_webhook_id BIGINT UNSIGNED;
  DECLARE v_outcome VARCHAR(15) DEFAULT IF(in_status = 'other', 'ignored', 'parked');
  DECLARE v_reason VARCHAR(255) DEFAULT IF(in_status = 'other', 'an event of this kind moves no order', NULL);
  DECLARE v_reclaimed, v_others, v_replayed BOOLEAN DEFAULT FALSE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    -- Looked at in one piece; only what is wrong somewhere is looked at piece by piece, to name it.
    BEGIN
      DECLARE v_good BOOLEAN DEFAULT FALSE;
      DECLARE CONTINUE HANDLER FOR 3157 SET v_good = FALSE;   -- JSON that is nested too deeply for MySQL
      SET v_good = CHAR_LENGTH(in_idempotency_key) BETWEEN 1 AND 255 AND in_status IN ('succeeded', 'failed', 'refunded')
                   AND CHAR_LENGTH(in_order_id) = 36 AND IS_UUID(in_order_id) AND COALESCE(in_amount >= 0, TRUE)
                   AND (in_currency IS NULL OR REGEXP_LIKE(in_currency, '^[A-Z]{3}$', 'c')) AND COALESCE(JSON_VALID(in_payload), TRUE);
      IF v_good IS NOT TRUE THEN
        CALL _require_payment(in_idempotency_key, in_order_id, in_status, in_amount, in_currency, in_payload);
      END IF;
    END;
    SET v_order_id = UUID_TO_BIN(in_order_id);

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

      -- A hold is gone for good once its order is there, so only without an order the hold has to be locked, before anything
      -- else: create_order locks it too before it looks into the inbox, so neither can miss the other.
      START TRANSACTION;
      SELECT status INTO v_order_status FROM orders WHERE order_id = v_order_id FOR UPDATE;
      IF v_order_status IS NULL THEN
        SELECT hold_id INTO v_hold_id FROM holds WHERE hold_id = v_order_id FOR UPDATE;
        IF v_hold_id IS NULL THEN
          SELECT status INTO v_order_status FROM orders WHERE order_id = v_order_id FOR UPDATE;
          SELECT hold_id INTO v_ended_id FROM hold_history WHERE hold_id = v_order_id AND v_order_status IS NULL FOR UPDATE;
        END IF;
      END IF;
      -- The units of a cancelled order may be among those that have expired; they are given back before anything is locked.
      WHILE in_status = 'succeeded' AND v_order_status = 'cancelled' AND NOT v_reclaimed DO
        ROLLBACK;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _reclaim_for_late_payment(v_order_id, v_others);
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        SELECT status INTO v_order_status FROM orders WHERE order_id = v_order_id FOR UPDATE;
        SET v_reclaimed = NOT v_others;
      END WHILE;

      INSERT INTO payment_webhooks (idempotency_key, order_id, payment_status, amount_minor, currency, occurred_at, payload,
                                    outcome, reason, deliveries, first_received_at, last_received_at, settled_at)
      VALUES (in_idempotency_key, v_order_id, in_status, in_amount, in_currency, in_occurred_at, in_payload,
              v_outcome, v_reason, 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), IF(v_outcome = 'parked', NULL, UTC_TIMESTAMP(6)));
      SET v_webhook_id = LAST_INSERT_ID();
      IF v_ended_id IS NOT NULL THEN
        CALL _apply_orphaned_payments(v_order_id);
        SELECT outcome, reason INTO v_outcome, v_reason FROM payment_webhooks WHERE webhook_id = v_webhook_id FOR UPDATE;
      ELSEIF v_order_status IS NOT NULL THEN
        SELECT COUNT(*) > 1
          INTO v_others
          FROM payment_webhooks
         WHERE order_id = v_order_id;
        IF v_others THEN
          CALL _apply_waiting_payments(v_order_id);
          SELECT w.outcome, w.reason, o.status
            INTO v_outcome, v_reason, v_order_status
            FROM payment_webhooks AS w
            JOIN orders AS o ON o.order_id = v_order_id
           WHERE w.webhook_id = v_webhook_id
             FOR UPDATE;
        ELSEIF in_status <> 'other' THEN
          CALL _apply_payment(v_webhook_id, v_outcome, v_reason, v_order_status);
        END IF;
      END IF;
      COMMIT;
    END;
  END;

  IF v_replayed THEN
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    CALL _select_webhook(in_idempotency_key, TRUE);
    COMMIT;
  ELSE
    -- All of it is known, and reading it back would cost as much as the insert did.
    SELECT v_webhook_id AS webhook_id, in_idempotency_key AS idempotency_key, BIN_TO_UUID(v_order_id) AS order_id,
           in_status AS payment_status, v_outcome AS outcome, v_reason AS reason, v_order_status AS order_status,
           1 AS deliveries, FALSE AS replayed;
  END IF;
END $$

DELIMITER ;
