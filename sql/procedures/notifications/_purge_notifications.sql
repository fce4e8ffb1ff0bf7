DELIMITER $$

DROP PROCEDURE IF EXISTS _purge_notifications $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _purge_notifications (
  IN in_before DATETIME(6),
  INOUT io_from_id BIGINT UNSIGNED,
  OUT out_deleted INT,
  OUT out_more BOOLEAN
)
COMMENT '
Description
  Deletes those of the next thousand notifications that were settled long ago, in the transaction of its caller. The last that a receiver
  was told of a product stays: it says what is new to that receiver.

Parameters
  in_before  DATETIME  UTC; those settled earlier go
  io_from_id BIGINT    in: the last of the thousand before, 0 for the first; out: of these
  out_more   BOOLEAN   there may be others that are old enough

Locks
  the notifications, by their ids
'
BEGIN
  DECLARE v_ids JSON;

  SELECT JSON_ARRAYAGG(IF(n.settled_at < in_before AND NOT (n.subject LIKE 'product %' AND n.notification_id = n.last_id), n.notification_id, 0)),
         COALESCE(MAX(n.notification_id), io_from_id), COUNT(*) = 1000 AND MIN(n.created_at) < in_before
    INTO v_ids, io_from_id, out_more
    FROM (SELECT e.notification_id, e.subject, e.settled_at, e.created_at,
                 (SELECT MAX(l.notification_id) FROM notifications AS l WHERE l.subject = e.subject AND l.receiver = e.receiver) AS last_id
            FROM notifications AS e
           WHERE e.notification_id > io_from_id
           ORDER BY e.notification_id
           LIMIT 1000) AS n;
  DELETE n
    FROM JSON_TABLE(v_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS old
    STRAIGHT_JOIN notifications AS n FORCE INDEX (PRIMARY) ON n.notification_id = old.id
   WHERE n.state <> 'pending';
  SET out_deleted = ROW_COUNT();
END $$

DELIMITER ;
