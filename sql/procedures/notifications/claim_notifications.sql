DELIMITER $$

DROP PROCEDURE IF EXISTS claim_notifications $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE claim_notifications (
  IN in_receiver LONGTEXT,
  IN in_limit LONGTEXT,
  IN in_lease_seconds LONGTEXT
)
COMMENT '
Description
  Hands out the notifications that are due, oldest first, each to one caller; those of one subject one after the
  other. A notification that its caller does not settle within the lease (settle_notification) is handed out again: so it arrives at least
  once, and perhaps twice.

Parameters
  in_receiver      TEXT    the URL, as set_receivers named it
  in_limit         BIGINT  1 to 100 notifications
  in_lease_seconds BIGINT  1 to 3,600: how long its caller has

Result set
  notification_id, attempt (the claim: settle_notification wants it back), message_id (the same each time, and of no other), kind,
  subject, body (JSON); no row when none is due

Errors
  invalid_argument  a parameter is NULL, empty or out of bounds

Locks
  the notifications, skipping locked ones

Example
  mysql> CALL claim_notifications(''https://shop.example/flashsale'', 10, 30);
  Empty set
  mysql> CALL claim_notifications(''https://shop.example/flashsale'', 0, 30);
  ERROR 31301 (45422): invalid_argument: limit must be a whole number from 1 to 100
'
BEGIN
  DECLARE v_limit, v_found, v_claimed INT DEFAULT 0;
  DECLARE v_round INT DEFAULT 0;
  DECLARE v_ids, v_first_ids JSON;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_text('receiver', in_receiver, 255);
    CALL _require_number('limit', in_limit, 1, 100);
    CALL _require_number('lease_seconds', in_lease_seconds, 1, 3600);
    SET v_limit = in_limit;

    -- A round may find none but those that wait for another one of their subject.
    REPEAT
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      SET v_round = v_round + 1;
      SELECT JSON_ARRAYAGG(notification_id), COUNT(*)
        INTO v_ids, v_found
        FROM (SELECT notification_id
                FROM notifications FORCE INDEX (ix_notifications_state_receiver_due_at)
               WHERE state = 'pending' AND receiver = in_receiver AND due_at <= UTC_TIMESTAMP(6)
               ORDER BY due_at
               LIMIT v_limit
                 FOR UPDATE SKIP LOCKED) AS due;
      SELECT JSON_ARRAYAGG(n.notification_id), COUNT(*)
        INTO v_first_ids, v_claimed
        FROM JSON_TABLE(v_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS due
        STRAIGHT_JOIN notifications AS n FORCE INDEX (PRIMARY) ON n.notification_id = due.id
       WHERE NOT EXISTS (SELECT 1
                           FROM notifications AS e FORCE INDEX (ix_notifications_subject_receiver)
                          WHERE e.subject = n.subject AND e.receiver = n.receiver AND e.state = 'pending'
                            AND e.notification_id < n.notification_id);
      UPDATE JSON_TABLE(v_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS due
        STRAIGHT_JOIN notifications AS n FORCE INDEX (PRIMARY) ON n.notification_id = due.id
        LEFT JOIN JSON_TABLE(v_first_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS claimed ON claimed.id = due.id
         SET n.attempts = n.attempts + (claimed.id IS NOT NULL),
             -- Who waits for the one before is out of the way: when that one is settled, settle_notification makes it due.
             n.due_at = UTC_TIMESTAMP(6) + INTERVAL IF(claimed.id IS NULL, 60, CAST(in_lease_seconds AS UNSIGNED)) SECOND;
      COMMIT;
    UNTIL v_claimed > 0 OR v_found = 0 OR v_round = 50 END REPEAT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT n.notification_id, n.attempts AS attempt,
         CONCAT(n.notification_id, '-', TIMESTAMPDIFF(MICROSECOND, '1970-01-01', n.created_at)) AS message_id, n.kind, n.subject, n.body
    FROM JSON_TABLE(v_first_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS claimed
    STRAIGHT_JOIN notifications AS n FORCE INDEX (PRIMARY) ON n.notification_id = claimed.id
   ORDER BY n.notification_id;
  COMMIT;
END $$

DELIMITER ;
