DELIMITER $$

DROP PROCEDURE IF EXISTS purge_history $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE purge_history (
  IN in_days LONGTEXT
)
COMMENT '
Description
  Deletes what nobody needs any more: holds that expired, were released or stopped, and the events of payments that are over; in
  transactions of 1,000 rows. Orders, the holds they were made of, the payments of orders and the events of payments that pay an order,
  wait for one or are due stay. The idempotency keys of what is deleted are forgotten; those of events are kept for 30 days at
  least, for so long a provider may repeat them.

Parameters
  in_days BIGINT  what ended at least so many days ago, 1 to 36,500

Result set
  holds_deleted, webhooks_deleted

Errors
  invalid_argument  in_days is NULL, not whole or out of bounds

Locks
  1,000 rows of hold_history, or payments and their webhooks, at a time; none that a buyer needs

Example
  mysql> CALL purge_history(30);
  +---------------+------------------+
  | holds_deleted | webhooks_deleted |
  +---------------+------------------+
  |             0 |                0 |
  +---------------+------------------+
  mysql> CALL purge_history(0);
  ERROR 31301 (45422): invalid_argument: days must be a whole number from 1 to 36500
'
BEGIN
  DECLARE v_before, v_events_before DATETIME(6);
  DECLARE v_holds, v_webhooks, v_deleted BIGINT DEFAULT 0;
  DECLARE v_from_id VARCHAR(255) DEFAULT '';
  DECLARE v_payment_ids JSON;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('days', in_days, 1, 36500);
    -- Not earlier: MySQL refuses a time before the year 0 by an error of its own.
    SET v_before = UTC_TIMESTAMP(6) - INTERVAL in_days DAY,
        v_events_before = LEAST(v_before, UTC_TIMESTAMP(6) - INTERVAL 30 DAY);

    REPEAT
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      DELETE FROM hold_history
       WHERE ended_as IN ('expired', 'released', 'stopped') AND ended_at < v_before
       ORDER BY ended_as, ended_at
       LIMIT 1000;
      SET v_deleted = ROW_COUNT(), v_holds = v_holds + v_deleted;
      COMMIT;
    UNTIL v_deleted < 1000 END REPEAT;

    -- Events that moved no payment.
    REPEAT
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      DELETE FROM payment_webhooks
       WHERE payment_id IS NULL AND outcome = 'ignored' AND last_received_at < v_events_before
       ORDER BY webhook_id
       LIMIT 1000;
      SET v_deleted = ROW_COUNT(), v_webhooks = v_webhooks + v_deleted;
      COMMIT;
    UNTIL v_deleted < 1000 END REPEAT;

    -- Payments that are over, by their ids, and whose last event is old enough: first locked, then looked at again. The row of a
    -- payment stays with its order; one that never had an order goes with its events.
    WHILE v_from_id IS NOT NULL DO
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      SELECT JSON_ARRAYAGG(payment_id), MAX(payment_id)
        INTO v_payment_ids, v_from_id
        FROM (SELECT p.payment_id
                FROM (SELECT q.payment_id
                        FROM payments AS q
                       WHERE q.follow_up = 'purge' AND q.created_at < v_events_before AND q.payment_id > v_from_id
                         AND EXISTS (SELECT 1 FROM payment_webhooks AS w WHERE w.payment_id = q.payment_id)
                         AND NOT EXISTS (SELECT 1
                                           FROM payment_webhooks AS w
                                          WHERE w.payment_id = q.payment_id
                                            AND (w.last_received_at >= v_events_before OR w.outcome = 'parked'))
                       ORDER BY q.payment_id
                       LIMIT 1000) AS ended
                STRAIGHT_JOIN payments AS p ON p.payment_id = ended.payment_id
               WHERE p.follow_up = 'purge'
                 FOR UPDATE OF p SKIP LOCKED) AS mine;
      IF v_from_id IS NOT NULL THEN
        DELETE w
          FROM JSON_TABLE(v_payment_ids, '$[*]' COLUMNS (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS mine
          STRAIGHT_JOIN payment_webhooks AS w ON w.payment_id = mine.id
         WHERE w.last_received_at < v_events_before AND w.outcome <> 'parked';
        SET v_webhooks = v_webhooks + ROW_COUNT();
        DELETE p
          FROM JSON_TABLE(v_payment_ids, '$[*]' COLUMNS (id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS mine
          STRAIGHT_JOIN payments AS p ON p.payment_id = mine.id
         WHERE NOT EXISTS (SELECT 1 FROM orders AS o WHERE o.order_id = p.order_id);
      END IF;
      COMMIT;
    END WHILE;
  END;

  SELECT v_holds AS holds_deleted, v_webhooks AS webhooks_deleted;
END $$

DELIMITER ;
