DELIMITER $$

DROP PROCEDURE IF EXISTS purge_history $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE purge_history (
  IN in_days BIGINT
)
COMMENT '
Description
  Deletes what nobody needs any more: holds that expired or were released, and settled payment events of orders that are cancelled
  or refunded or never came to be; in transactions of 1,000 rows. Orders, the holds they were made of and the payments of paid
  ones stay. The idempotency keys of what is deleted are forgotten.

Parameters
  in_days BIGINT  what ended at least so many days ago, 1 to 36,500

Result set
  holds_deleted, webhooks_deleted

Errors
  invalid_argument  in_days is NULL or out of bounds

Locks
  1,000 rows of hold_history or payment_webhooks at a time; none that a buyer needs

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
  DECLARE v_before DATETIME(6);
  DECLARE v_from_hold, v_to_hold BINARY(16) DEFAULT X'00';
  DECLARE v_from_webhook, v_to_webhook BIGINT UNSIGNED DEFAULT 0;
  DECLARE v_holds, v_webhooks BIGINT DEFAULT 0;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('days', in_days, 1, 36500);
    -- Not earlier: MySQL refuses a time before the year 0 by an error of its own.
    SET v_before = UTC_TIMESTAMP(6) - INTERVAL in_days DAY;

    -- Ids are in the order of time, so nothing after the first hold that is too young can be old enough.
    WHILE v_to_hold IS NOT NULL DO
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      SELECT MAX(hold_id)
        INTO v_to_hold
        FROM (SELECT hold_id, created_at FROM hold_history WHERE hold_id > v_from_hold ORDER BY hold_id LIMIT 1000) AS batch
       WHERE created_at < v_before;
      DELETE FROM hold_history
       WHERE hold_id > v_from_hold AND hold_id <= v_to_hold
         AND ended_as <> 'ordered' AND ended_at < v_before;
      SET v_holds = v_holds + ROW_COUNT(), v_from_hold = v_to_hold;
      COMMIT;
    END WHILE;

    WHILE v_to_webhook IS NOT NULL DO
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      SELECT MAX(webhook_id)
        INTO v_to_webhook
        FROM (SELECT webhook_id FROM payment_webhooks WHERE webhook_id > v_from_webhook ORDER BY webhook_id LIMIT 1000) AS batch;
      DELETE w
        FROM payment_webhooks AS w
        LEFT JOIN orders AS o ON o.order_id = w.order_id
       WHERE w.webhook_id > v_from_webhook AND w.webhook_id <= v_to_webhook
         AND w.outcome IN ('applied', 'ignored', 'amount_mismatch', 'refunded') AND w.last_received_at < v_before
         AND (o.order_id IS NULL OR (o.status IN ('cancelled', 'refunded') AND o.closed_at < v_before));
      SET v_webhooks = v_webhooks + ROW_COUNT(), v_from_webhook = v_to_webhook;
      COMMIT;
    END WHILE;
  END;

  SELECT v_holds AS holds_deleted, v_webhooks AS webhooks_deleted;
END $$

DELIMITER ;
