DELIMITER $$

DROP PROCEDURE IF EXISTS _select_notifications $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _select_notifications (
  IN in_ids JSON,
  IN in_replayed BOOLEAN
)
COMMENT '
Description
  Returns notifications, newest first, as list_notifications does, in the transaction of its caller.

Parameters
  in_ids JSON  array of their ids; NULL: none

Locks
  none
'
BEGIN
  SELECT n.notification_id, n.receiver, n.kind, n.subject, n.state, n.attempts, n.created_at,
         IF(n.state = 'pending', n.due_at, NULL) AS due_at, n.settled_at, n.last_error,
         CONCAT(n.notification_id, '-', TIMESTAMPDIFF(MICROSECOND, '1970-01-01', n.created_at)) AS message_id, n.body, in_replayed AS replayed
    FROM JSON_TABLE(in_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS chosen
    STRAIGHT_JOIN notifications AS n FORCE INDEX (PRIMARY) ON n.notification_id = chosen.id
   ORDER BY chosen.id DESC;
END $$

DELIMITER ;
