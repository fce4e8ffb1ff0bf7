DELIMITER $$

DROP PROCEDURE IF EXISTS settle_notification $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE settle_notification (
  IN in_notification_id LONGTEXT,
  IN in_attempt LONGTEXT,
  IN in_error LONGTEXT
)
COMMENT '
Description
  Says what became of a notification: it is delivered, or is tried again after a pause that grows
  from 5 seconds to an hour, or has failed, when the next attempt would be later than three days after it was written (or sent again).

Parameters
  in_notification_id BIGINT  as claim_notifications named it
  in_attempt         BIGINT  the attempt, as claim_notifications counted it; an error changes nothing when the lease has run out, since
                             another caller may have the notification
  in_error           TEXT    why it could not be delivered, cut to 255 characters; NULL: it was delivered; an empty text: nobody tried,
                             it is given back at once

Result set
  notification_id, state (pending, delivered, failed), attempts, due_at (when it is tried again); no row when there is none of this id

Errors
  invalid_argument  the id or the attempt is NULL, not whole or out of bounds

Locks
  the notification, then the next one of its subject

Example
  mysql> CALL settle_notification(1, 1, ''503'');
  +-----------------+---------+----------+----------------------------+
  | notification_id | state   | attempts | due_at                     |
  +-----------------+---------+----------+----------------------------+
  |               1 | pending |        1 | 2026-11-27 08:30:05.000000 |
  +-----------------+---------+----------+----------------------------+
  mysql> CALL settle_notification(0, 1, NULL);
  ERROR 31301 (45422): invalid_argument: notification_id must be a whole number from 1 to 9223372036854775807
'
BEGIN
  DECLARE v_id, v_next_id BIGINT UNSIGNED;
  DECLARE v_attempts INT;
  DECLARE v_receiver, v_subject VARCHAR(255);
  DECLARE v_gives_up_at, v_due_at DATETIME(6);
  DECLARE v_over BOOLEAN DEFAULT FALSE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('notification_id', in_notification_id, 1, 9223372036854775807);
    CALL _require_number('attempt', in_attempt, 1, 2147483647);
    SET v_id = in_notification_id;

    START TRANSACTION;
    SELECT attempts, receiver, subject, gives_up_at
      INTO v_attempts, v_receiver, v_subject, v_gives_up_at
      FROM notifications
     WHERE notification_id = v_id AND state = 'pending'
       FOR UPDATE;
    -- It arrived: that is true of an attempt whose lease ran out, too.
    IF v_attempts IS NOT NULL AND in_error IS NULL THEN
      UPDATE notifications SET state = 'delivered', settled_at = UTC_TIMESTAMP(6) WHERE notification_id = v_id;
      SET v_over = TRUE;
    ELSEIF v_attempts = in_attempt AND in_error = '' THEN
      UPDATE notifications SET due_at = UTC_TIMESTAMP(6), attempts = attempts - 1 WHERE notification_id = v_id;
    ELSEIF v_attempts = in_attempt THEN
      SET v_due_at = UTC_TIMESTAMP(6) + INTERVAL ELT(LEAST(v_attempts, 10), 5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600) SECOND,
          v_over = v_due_at > v_gives_up_at;
      UPDATE notifications
         SET state = IF(v_over, 'failed', 'pending'),
             settled_at = IF(v_over, UTC_TIMESTAMP(6), NULL),
             due_at = IF(v_over, due_at, v_due_at),
             last_error = LEFT(in_error, 255)
       WHERE notification_id = v_id;
    END IF;
    IF v_over THEN
      SELECT MIN(notification_id)
        INTO v_next_id
        FROM notifications FORCE INDEX (ix_notifications_subject_receiver)
       WHERE subject = v_subject AND receiver = v_receiver AND state = 'pending' AND notification_id <> v_id;
      UPDATE notifications SET due_at = GREATEST(UTC_TIMESTAMP(6), created_at) WHERE notification_id = v_next_id AND state = 'pending';
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT notification_id, state, attempts, due_at FROM notifications WHERE notification_id = v_id;
  COMMIT;
END $$

DELIMITER ;
