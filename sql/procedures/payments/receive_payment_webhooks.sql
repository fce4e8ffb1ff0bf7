DELIMITER $$

DROP PROCEDURE IF EXISTS receive_payment_webhooks $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE receive_payment_webhooks (
  IN in_events LONGTEXT
)
COMMENT '
Description
  Takes many payment events into the inbox, in one transaction, and lets them act: for each what receive_payment_webhook does, as far as
  it is plain. An event that is not plain is left alone, which changes nothing: CALL receive_payment_webhook for it.

Parameters
  in_events TEXT  JSON array of 1 to 100 objects with the parameters of receive_payment_webhook: {"idempotency_key": TEXT, "order_id": TEXT,
                  "payment_id": TEXT or null, "status": TEXT, "amount": whole number or null, "currency": TEXT or null, "occurred_at":
                  "YYYY-MM-DD HH:MM:SS.ffffff" in UTC or null, "payload": TEXT, a JSON document in a string, or null}; other members are
                  ignored

Result set
  number (of the event, from 1), answer (done; alone: not plain), errno, sqlstate and message (NULL: it refuses no single event),
  then the columns of receive_payment_webhook, NULL unless done. One row for each event, in their order. Plain is the success of
  a payment of which nothing was heard, of the amount and currency of its order, for a pending order without any other payment that
  nobody else is working on, and the first event of this key, this order and this payment in the array; all else is left alone

Errors
  invalid_argument  it is no JSON array of 1 to 100 elements

Locks
  the orders, as far as nobody has locked them; their payments, the webhooks; customer_units

Example
  mysql> CALL receive_payment_webhooks(''[{"idempotency_key": "evt_1", "order_id": "01a21c20-2b40-774a-9f04-b08ae378760d", "payment_id": "pi_1", "status": "succeeded", "amount": 25800, "currency": "EUR"}]'')\\G
  *************************** 1. row ***************************
           number: 1
           answer: done
            errno: NULL
         sqlstate: NULL
          message: NULL
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
  mysql> CALL receive_payment_webhooks(''{}'');
  ERROR 31301 (45422): invalid_argument: events must be a JSON array of 1 to 100 elements
'
BEGIN
  DECLARE v_events, v_order_ids JSON;
  DECLARE v_count INT;
  DECLARE v_round INT DEFAULT 0;
  DECLARE v_done, v_counts BOOLEAN DEFAULT FALSE;
  DECLARE v_numbers TEXT;
  DECLARE v_known TEXT DEFAULT '';

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_set('events', in_events, v_events, v_count);
    -- What is known, or comes at this instant in another session, is found by failing once; in the end all are left alone. So is a
    -- payload that is no JSON, or is nested too deeply for MySQL, or has too long a name in it.
    WHILE NOT v_done AND v_round < 3 DO
      BEGIN
        DECLARE EXIT HANDLER FOR 1062, 1213, 3140, 3150, 3151, 3157
        BEGIN
          ROLLBACK;
          SET v_round = v_round + 1, v_numbers = NULL;
        END;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        IF v_round > 0 THEN
          CALL _find_known_events(v_events, v_known);
        END IF;
        CALL _lock_plain_events(v_events, v_round > 0, v_known, v_numbers, v_order_ids, v_counts);
        IF v_numbers IS NOT NULL THEN
          CALL _pay_orders(v_events, v_numbers, v_order_ids);
          INSERT INTO payment_webhooks (idempotency_key, payment_id, order_id, payment_status, amount_minor, currency, occurred_at,
                                        payload, outcome, deliveries, first_received_at, last_received_at, settled_at)
          SELECT e.idempotency_key, COALESCE(e.payment_id, LOWER(e.order_id)), UUID_TO_BIN(e.order_id), 'succeeded', e.amount, e.currency,
                 e.occurred_at, e.payload, 'applied', 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
            FROM JSON_TABLE(v_events, '$[*]' COLUMNS (
                   number FOR ORDINALITY,
                   idempotency_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key',
                   order_id CHAR(36) PATH '$.order_id',
                   payment_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.payment_id',
                   amount BIGINT PATH '$.amount',
                   currency CHAR(3) PATH '$.currency',
                   occurred_at CHAR(26) PATH '$.occurred_at',
                   payload LONGTEXT PATH '$.payload')) AS e
           WHERE FIND_IN_SET(e.number, v_numbers)
           ORDER BY e.idempotency_key;
          IF v_counts THEN
            CALL _pay_units_of_orders(v_order_ids);
          END IF;
        END IF;
        COMMIT;
        SET v_done = TRUE;
      END;
    END WHILE;
  END;

  -- What each of them did is known; only the number that the inbox gave it is read back.
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT e.number, IF(w.webhook_id IS NULL, 'alone', 'done') AS answer, CAST(NULL AS SIGNED) AS errno, CAST(NULL AS CHAR(5)) AS `sqlstate`,
         CAST(NULL AS CHAR(128)) AS message,
         w.webhook_id, w.idempotency_key, w.payment_id, w.order_uuid AS order_id, IF(w.webhook_id IS NULL, NULL, 'succeeded') AS payment_status,
         IF(w.webhook_id IS NULL, NULL, 'applied') AS outcome, CAST(NULL AS CHAR(255)) AS reason,
         IF(w.webhook_id IS NULL, NULL, 'paying') AS payment_state, IF(w.webhook_id IS NULL, NULL, 'paid') AS order_status,
         IF(w.webhook_id IS NULL, NULL, 1) AS deliveries, IF(w.webhook_id IS NULL, NULL, FALSE) AS replayed
    FROM JSON_TABLE(v_events, '$[*]' COLUMNS (
           number FOR ORDINALITY,
           idempotency_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key')) AS e
    LEFT JOIN payment_webhooks AS w FORCE INDEX (uq_payment_webhooks_idempotency_key)
      ON w.idempotency_key = IF(FIND_IN_SET(e.number, v_numbers), e.idempotency_key, NULL)
   ORDER BY e.number;
  COMMIT;
END $$

DELIMITER ;
