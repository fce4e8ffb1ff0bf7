DELIMITER $$

DROP PROCEDURE IF EXISTS reprocess_webhook $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE reprocess_webhook (
  IN in_webhook_id LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Decides the payment of an event anew, when payment_rules would now decide otherwise: for example when the units of its lapsed order were sold
  and are free again, or when it waits although its hold has ended or nobody knows its id.

Parameters
  in_webhook_id      BIGINT  as list_webhooks names it
  in_idempotency_key TEXT    1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the event, as receive_payment_webhook returns it; replayed is 1 when it was reprocessed before: nothing changed

Errors
  webhook_not_found       no event has this id
  webhook_settled         the rules say the same again, so there is nothing to do
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        the id is NULL, not whole or out of bounds

Locks
  those of receive_payment_webhook

Example
  mysql> CALL reprocess_webhook(1, NULL)\\G
  *************************** 1. row ***************************
       webhook_id: 1
  idempotency_key: evt_1
       payment_id: pi_1
         order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
   payment_status: succeeded
          outcome: applied
           reason: NULL
    payment_state: paying
     order_status: paid
       deliveries: 1
         replayed: 0
  mysql> CALL reprocess_webhook(0, NULL);
  ERROR 31301 (45422): invalid_argument: webhook_id must be a whole number from 1 to 9223372036854775807
'
BEGIN
  DECLARE v_key, v_payment_id VARCHAR(255);
  DECLARE v_order_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_state, v_after VARCHAR(10);
  DECLARE v_outcome VARCHAR(15);
  DECLARE v_reprocessed, v_again, v_final, v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('webhook_id', in_webhook_id, 1, 9223372036854775807);
    WHILE v_state IS NULL DO
      SELECT w.idempotency_key, w.outcome, w.reprocessed_at IS NOT NULL, w.payment_id, p.order_id
        INTO v_key, v_outcome, v_reprocessed, v_payment_id, v_order_id
        FROM payment_webhooks AS w
        LEFT JOIN payments AS p ON p.payment_id = w.payment_id
       WHERE w.webhook_id = CAST(in_webhook_id AS UNSIGNED);
      IF v_key IS NULL THEN
        CALL _raise('webhook_not_found', 'no event has this id; list_webhooks lists them', NULL);
      END IF;
      SET v_again = TRUE;
      WHILE v_again DO
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _reclaim_for_order(v_order_id, v_product_id, v_again);
      END WHILE;
      COMMIT;
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      IF v_payment_id IS NULL THEN
        SET v_state = 'none';
      ELSE
        CALL _lock_payment(v_payment_id, v_product_id, v_order_id, v_state);
      END IF;
    END WHILE;

    CALL _use_key(in_idempotency_key, 'reprocess_webhook', JSON_ARRAY(in_webhook_id), v_replayed);
    IF v_payment_id IS NOT NULL AND NOT v_replayed THEN
      IF v_state IN ('waiting', 'due') THEN
        UPDATE payments SET state = 'waiting' WHERE payment_id = v_payment_id;
        UPDATE payment_webhooks AS w FORCE INDEX (ix_payment_webhooks_payment_id)
           SET w.outcome = 'parked', w.settled_at = NULL
         WHERE w.payment_id = v_payment_id
           AND w.idempotency_key = (SELECT p.received_by FROM payments AS p WHERE p.payment_id = v_payment_id);
      END IF;
      IF v_state IN ('waiting', 'due', 'open', 'failed') THEN
        -- As the sweep would say by now of an id that nobody knows.
        SELECT v_state = 'due' OR waits_until <= UTC_TIMESTAMP(6)
          INTO v_final
          FROM payment_deadlines
         WHERE payment_id = v_payment_id;
        CALL _decide_payment(v_payment_id, v_final);
      END IF;
      SELECT state INTO v_after FROM payments WHERE payment_id = v_payment_id;
    END IF;
    IF v_after <> v_state THEN
      UPDATE payment_webhooks SET reprocessed_at = UTC_TIMESTAMP(6) WHERE webhook_id = CAST(in_webhook_id AS UNSIGNED);
      CALL _record_action('reprocess_webhook', v_product_id, v_order_id, v_payment_id, CONCAT(v_state, ' became ', v_after), v_key);
    ELSEIF NOT v_reprocessed AND NOT v_replayed THEN
      CALL _raise('webhook_settled', CONCAT('the event is ', v_outcome, ', and payment_rules say so again'), NULL);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_webhook(v_key, v_reprocessed OR v_replayed);
  COMMIT;
END $$

DELIMITER ;
