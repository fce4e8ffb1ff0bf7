DELIMITER $$

DROP PROCEDURE IF EXISTS purge_history $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE purge_history (
  IN in_days LONGTEXT
)
COMMENT '
Description
  Deletes what nobody needs any more: holds that expired, were released or stopped, the events of payments that are over, and
  notifications that were delivered or failed (except the last one that a receiver got about a product); in
  transactions of 1,000 rows. Orders, the holds that became orders, the payments of orders, and the events of payments that pay an order,
  wait for one or are due are kept. The idempotency keys of what is deleted are forgotten; those of events are kept for at least 30 days,
  because a provider may repeat them for so long.

Parameters
  in_days BIGINT  what ended at least so many days ago, 1 to 36,500

Result set
  holds_deleted, webhooks_deleted, notifications_deleted

Errors
  invalid_argument  in_days is NULL, not whole or out of bounds

Locks
  1,000 rows of hold_history, or of notifications, or payments (skipping locked ones) and their webhooks, at a time; none that a buyer needs

Example
  mysql> CALL purge_history(30);
  +---------------+------------------+-----------------------+
  | holds_deleted | webhooks_deleted | notifications_deleted |
  +---------------+------------------+-----------------------+
  |             0 |                0 |                     0 |
  +---------------+------------------+-----------------------+
  mysql> CALL purge_history(0);
  ERROR 31301 (45422): invalid_argument: days must be a whole number from 1 to 36500
'
BEGIN
  DECLARE v_before, v_events_before, v_first_at DATETIME(6);
  DECLARE v_holds, v_webhooks, v_notifications, v_found, v_from_id BIGINT DEFAULT 0;
  DECLARE v_from VARCHAR(300) DEFAULT '1000-01-01 00:00:00.000000';
  DECLARE v_ids, v_stranger_ids JSON;
  DECLARE v_more BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('days', in_days, 1, 36500);
    -- Not earlier: MySQL refuses a time before the year 0 by an error of its own.
    SET v_before = UTC_TIMESTAMP(6) - INTERVAL in_days DAY,
        v_events_before = LEAST(v_before, UTC_TIMESTAMP(6) - INTERVAL 30 DAY);

    -- Everything is found without a lock and deleted by its primary key, in the order of that: who locks the entry of an index first and
    -- the row afterwards, or rows in another order, meets those who do it the other way round, in a deadlock.
    REPEAT
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      SELECT JSON_ARRAYAGG(hold_uuid), COUNT(*)
        INTO v_ids, v_found
        FROM (SELECT ended.hold_uuid
                FROM (SELECT hold_uuid
                        FROM hold_history
                       WHERE ended_as IN ('expired', 'released', 'stopped') AND ended_at < v_before
                       ORDER BY ended_as, ended_at
                       LIMIT 1000) AS ended
               ORDER BY ended.hold_uuid
               LIMIT 1000) AS mine;
      DELETE h
        FROM JSON_TABLE(v_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
        STRAIGHT_JOIN hold_history AS h FORCE INDEX (PRIMARY) ON h.hold_id = UUID_TO_BIN(ended.id);
      SET v_holds = v_holds + ROW_COUNT();
      COMMIT;
    UNTIL v_found < 1000 END REPEAT;

    -- Events that moved no payment, by their ids, until none of a thousand came long enough ago.
    REPEAT
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      SELECT JSON_ARRAYAGG(webhook_id), COUNT(*), MAX(webhook_id), MIN(first_received_at)
        INTO v_ids, v_found, v_from_id, v_first_at
        FROM (SELECT webhook_id, first_received_at
                FROM payment_webhooks FORCE INDEX (ix_payment_webhooks_payment_id)
               WHERE payment_id IS NULL AND webhook_id > v_from_id
               ORDER BY webhook_id
               LIMIT 1000) AS others;
      DELETE w
        FROM JSON_TABLE(v_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS others
        STRAIGHT_JOIN payment_webhooks AS w FORCE INDEX (PRIMARY) ON w.webhook_id = others.id
       WHERE w.last_received_at < v_events_before;
      SET v_webhooks = v_webhooks + ROW_COUNT();
      COMMIT;
    UNTIL v_found < 1000 OR v_first_at >= v_events_before END REPEAT;

    -- Payments that are over, oldest first: once locked, nobody but a repeat touches their events. The row of a payment stays with its
    -- order, or with the hold that may still become one; what never had either goes with its events.
    REPEAT
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      SELECT JSON_ARRAYAGG(payment_id), COUNT(*), MAX(CONCAT(created_at, payment_id))
        INTO v_ids, v_found, v_from
        FROM (SELECT payment_id, created_at
                FROM payments
               WHERE follow_up = 'purge' AND created_at < v_events_before AND created_at >= LEFT(v_from, 26)
                 AND CONCAT(created_at, payment_id) > v_from
               ORDER BY created_at, payment_id
               LIMIT 1000) AS ended;
      SELECT JSON_ARRAYAGG(p.payment_id)
        INTO v_ids
        FROM JSON_TABLE(v_ids, '$[*]' COLUMNS (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS ended
        STRAIGHT_JOIN payments AS p FORCE INDEX (PRIMARY) ON p.payment_id = ended.id
       WHERE p.follow_up = 'purge'
         AND NOT EXISTS (SELECT 1
                           FROM payment_webhooks AS w
                          WHERE w.payment_id = p.payment_id AND (w.last_received_at >= v_events_before OR w.outcome = 'parked'))
         FOR UPDATE OF p SKIP LOCKED;
      DELETE w
        FROM JSON_TABLE(v_ids, '$[*]' COLUMNS (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS ended
        STRAIGHT_JOIN payment_webhooks AS w FORCE INDEX (ix_payment_webhooks_payment_id) ON w.payment_id = ended.id;
      SET v_webhooks = v_webhooks + ROW_COUNT();
      SELECT JSON_ARRAYAGG(p.payment_id)
        INTO v_stranger_ids
        FROM JSON_TABLE(v_ids, '$[*]' COLUMNS (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS ended
        STRAIGHT_JOIN payments AS p FORCE INDEX (PRIMARY) ON p.payment_id = ended.id
       WHERE NOT EXISTS (SELECT 1 FROM orders WHERE order_id = p.order_id)
         AND NOT EXISTS (SELECT 1 FROM holds WHERE hold_id = p.order_id);
      DELETE p
        FROM JSON_TABLE(v_stranger_ids, '$[*]' COLUMNS (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS gone
        STRAIGHT_JOIN payments AS p FORCE INDEX (PRIMARY) ON p.payment_id = gone.id;
      UPDATE JSON_TABLE(v_ids, '$[*]' COLUMNS (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS ended
        STRAIGHT_JOIN payments AS p FORCE INDEX (PRIMARY) ON p.payment_id = ended.id
         SET p.events_purged_at = UTC_TIMESTAMP(6);
      COMMIT;
    UNTIL v_found < 1000 END REPEAT;

    -- Keys of operators, as long as events.
    REPEAT
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      SELECT JSON_ARRAYAGG(idempotency_key), COUNT(*)
        INTO v_ids, v_found
        FROM (SELECT idempotency_key FROM operator_keys WHERE created_at < v_events_before ORDER BY created_at LIMIT 1000) AS old;
      DELETE k
        FROM JSON_TABLE(v_ids, '$[*]' COLUMNS (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS old
        STRAIGHT_JOIN operator_keys AS k FORCE INDEX (PRIMARY) ON k.idempotency_key = old.id;
      COMMIT;
    UNTIL v_found < 1000 END REPEAT;

    SET v_from_id = 0;
    REPEAT
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      CALL _purge_notifications(v_before, v_from_id, v_found, v_more);
      SET v_notifications = v_notifications + v_found;
      COMMIT;
    UNTIL NOT v_more END REPEAT;
  END;

  SELECT v_holds AS holds_deleted, v_webhooks AS webhooks_deleted, v_notifications AS notifications_deleted;
END $$

DELIMITER ;
