DELIMITER $$

DROP PROCEDURE IF EXISTS receive_payment_webhook $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE receive_payment_webhook (
  IN in_idempotency_key LONGTEXT,
  IN in_order_id LONGTEXT,
  IN in_payment_id LONGTEXT,
  IN in_status LONGTEXT,
  IN in_amount LONGTEXT,
  IN in_currency LONGTEXT,
  IN in_occurred_at DATETIME(6),
  IN in_payload LONGTEXT
)
COMMENT '
Description
  Takes a payment event into the inbox, once, and lets it act on its payment and on the order that this is for; parks it while the
  order does not exist yet. Events may come in any order and any number of times. What a payment does to its order stands in the
  table payment_rules. Nothing that a rule says keeps an event out: money that pays for nothing is due (list_refunds_due).

Parameters
  in_idempotency_key TEXT         the provider''s id of the event, 1 to 255 characters, compared byte by byte
  in_order_id        TEXT         the order, which has the id of its hold; another text of 1 to 255 characters is kept, and its money is
                                  due after 15 minutes; NULL: the event names none, its payment tells it
  in_payment_id      TEXT         the provider''s id of the payment, 1 to 255 characters; NULL: the event names none, it is about the
                                  one payment that the order has
  in_status          TEXT         succeeded; declined: an attempt failed, the buyer may try again; failed: the payment is over;
                                  refunded; refund_failed: what went back came back; dispute_opened, dispute_won, dispute_lost;
                                  other: an event that moves no payment, kept and ignored
  in_amount          BIGINT       minor units; of refunded: all that went back so far; NULL: the event names none, which is what the
                                  order costs, or for a refund everything
  in_currency        TEXT         ISO 4217; NULL: the event names none
  in_occurred_at     DATETIME(6)  UTC, by the provider''s clock; NULL: not named. Kept, never decided by
  in_payload         TEXT         the event as received, a JSON document; NULL: none

Result set
  webhook_id, idempotency_key, payment_id (NULL: other), order_id (NULL: none that is an id of ours), payment_status (what the event
  said), outcome (parked, applied, ignored, amount_mismatch, refund_due), reason (NULL when applied or parked),
  payment_state (open: nothing came in; failed: over, nothing came in; waiting: received, its order may still come; paying; due: what
  is left of it has to go back; settled: all of it went back; NULL: other), order_status (NULL: no order yet), deliveries, replayed (1 for
  a repeat: nothing changed but deliveries). @webhook_id and @payment_id are set besides

Errors
  idempotency_key_reused  another event has this key
  invalid_argument        a parameter is NULL, out of bounds, too long or not what it should be

Locks
  the product (shared, only of an order that lapsed); the order, or when there is none the hold; the payments of the order; their
  webhooks; customer_units; stock_stripes

Example
  mysql> CALL receive_payment_webhook(''evt_1'', ''01a21c20-2b40-774a-9f04-b08ae378760d'', ''pi_1'', ''succeeded'', 25800, ''EUR'', NULL, NULL)\\G
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
  mysql> CALL receive_payment_webhook(''evt_2'', ''01a21c20-2b40-774a-9f04-b08ae378760d'', ''pi_1'', ''lost'', NULL, NULL, NULL, NULL);
  ERROR 31301 (45422): invalid_argument: status must be succeeded, declined, failed, refunded, refund_failed, dispute_opened, _won, _lost or other
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_payment_id VARCHAR(255);
  DECLARE v_plain, v_counts, v_told, v_replayed BOOLEAN DEFAULT FALSE;
  DECLARE v_amount, v_owed BIGINT;
  DECLARE v_owed_currency CHAR(3);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  receiving: BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_payment(in_idempotency_key, in_order_id, in_payment_id, in_status, in_amount, in_currency, in_payload);
    SET v_amount = in_amount;

    -- The way of nearly every payment, the row of pending and matching in payment_rules: the first of its order. _pay_orders: of many.
    IF in_status = 'succeeded' AND CHAR_LENGTH(in_order_id) = 36 AND IS_UUID(in_order_id) THEN
      BEGIN
        DECLARE EXIT HANDLER FOR 1062 ROLLBACK;
        SET v_order_id = UUID_TO_BIN(in_order_id), v_payment_id = COALESCE(in_payment_id, BIN_TO_UUID(v_order_id));
        START TRANSACTION;
        SELECT o.status = 'pending' AND COALESCE(v_amount = o.amount_minor, TRUE) AND COALESCE(in_currency = o.currency, TRUE)
               AND NOT EXISTS (SELECT 1 FROM payments AS w WHERE w.order_id = v_order_id),
               o.amount_minor, o.currency, (SELECT p.counts_customers FROM products AS p WHERE p.product_id = o.product_id),
               EXISTS (SELECT 1 FROM notification_receivers)
          INTO v_plain, v_owed, v_owed_currency, v_counts, v_told
          FROM orders AS o
         WHERE o.order_id = v_order_id
           FOR UPDATE;
        IF v_plain THEN
          INSERT INTO payments (payment_id, order_id, state, amount_minor, currency, received_by, created_at, received_at, decided_at)
          VALUES (v_payment_id, v_order_id, 'paying', v_owed, v_owed_currency, in_idempotency_key, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),
                  UTC_TIMESTAMP(6));
          UPDATE orders SET status = 'paid', payment_id = v_payment_id, paid_at = UTC_TIMESTAMP(6) WHERE order_id = v_order_id;
          INSERT INTO payment_webhooks (idempotency_key, payment_id, order_id, payment_status, amount_minor, currency, occurred_at,
                                        payload, outcome, deliveries, first_received_at, last_received_at, settled_at)
          VALUES (in_idempotency_key, v_payment_id, v_order_id, in_status, v_amount, in_currency, in_occurred_at, in_payload,
                  'applied', 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6));
          SET @webhook_id = LAST_INSERT_ID(), @payment_id = v_payment_id;
          IF v_counts THEN
            CALL _pay_customer_units(v_order_id);
          END IF;
          IF v_told THEN
            CALL _notify_orders('order.paid', JSON_ARRAY(BIN_TO_UUID(v_order_id)));
          END IF;
          COMMIT;
          -- All of it is known, and reading it back would cost as much as the insert did.
          SELECT @webhook_id AS webhook_id, in_idempotency_key AS idempotency_key, v_payment_id AS payment_id,
                 BIN_TO_UUID(v_order_id) AS order_id, in_status AS payment_status, 'applied' AS outcome, NULL AS reason,
                 'paying' AS payment_state, 'paid' AS order_status, 1 AS deliveries, FALSE AS replayed;
          LEAVE receiving;
        END IF;
        ROLLBACK;
      END;
    END IF;

    -- Everything else. What only it needs is declared here: each variable costs those who do not get this far.
    BEGIN
      DECLARE v_product_id INT UNSIGNED;
      DECLARE v_taken BOOLEAN DEFAULT FALSE;
      DECLARE v_again BOOLEAN;
      DECLARE v_twins INT DEFAULT 0;

      WHILE NOT v_taken DO
        BEGIN
          DECLARE EXIT HANDLER FOR 1062
          BEGIN
            -- A twin of the event or of its payment came first: the next round finds it.
            ROLLBACK;
            SET v_twins = v_twins + 1;
            IF v_twins > 9 THEN RESIGNAL; END IF;
          END;
          SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
          START TRANSACTION;
          CALL _count_delivery(in_idempotency_key, in_order_id, in_payment_id, in_status, v_amount, in_currency, v_replayed);
          SET v_taken = v_replayed, v_again = NOT v_replayed;
          IF NOT v_replayed AND in_status = 'other' THEN
            INSERT INTO payment_webhooks (idempotency_key, order_id, payment_status, amount_minor, currency, occurred_at, payload,
                                          outcome, reason, deliveries, first_received_at, last_received_at, settled_at)
            VALUES (in_idempotency_key, IF(IS_UUID(in_order_id), UUID_TO_BIN(in_order_id), NULL), in_status, v_amount, in_currency,
                    in_occurred_at, in_payload, 'ignored', 'an event of this kind moves no payment', 1, UTC_TIMESTAMP(6),
                    UTC_TIMESTAMP(6), UTC_TIMESTAMP(6));
            SET v_taken = TRUE, v_again = FALSE;
          ELSEIF NOT v_replayed THEN
            CALL _find_payment(in_order_id, in_payment_id, in_status, v_payment_id, v_order_id);
          END IF;
          COMMIT;

          IF NOT v_taken THEN
            SET v_product_id = NULL;
            WHILE v_again AND in_status = 'succeeded' DO
              SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
              START TRANSACTION;
              CALL _reclaim_for_order(v_order_id, v_product_id, v_again);
              COMMIT;
            END WHILE;
            SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
            START TRANSACTION;
            CALL _take_event(v_product_id, v_payment_id, v_order_id, in_order_id, in_payment_id, in_idempotency_key, in_status, v_amount,
                             in_currency, in_occurred_at, in_payload, v_taken);
            IF v_taken THEN
              COMMIT;
            ELSE
              ROLLBACK;
            END IF;
          END IF;
        END;
      END WHILE;

      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      SELECT webhook_id, payment_id
        INTO @webhook_id, @payment_id
        FROM payment_webhooks
       WHERE idempotency_key = in_idempotency_key;
      CALL _select_webhook(in_idempotency_key, v_replayed);
      COMMIT;
    END;
  END;
END $$

DELIMITER ;
