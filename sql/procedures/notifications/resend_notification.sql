DELIMITER $$

DROP PROCEDURE IF EXISTS resend_notification $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE resend_notification (
  IN in_notification_id LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Sends a notification again, under the same message_id, in any state: one that failed, when its receiver works again; one
  that was delivered and got lost there; or one whose next attempt is far away. It is tried for another three days.

Parameters
  in_notification_id BIGINT  as list_notifications names it
  in_idempotency_key TEXT    1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the notification, as list_notifications returns it; replayed is 1 for a repeat: nothing changed

Errors
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        no notification has this id, or its receiver is told nothing any more

Locks
  the notification

Example
  mysql> CALL resend_notification(7, NULL)\\G
  *************************** 1. row ***************************
  notification_id: 7
         receiver: https://shop.example/flashsale
             kind: product.sold_out
          subject: product 1
            state: pending
         attempts: 0
       created_at: 2026-11-24 08:30:00.000000
           due_at: 2026-11-27 09:00:00.000000
       settled_at: NULL
       last_error: 503 Service Unavailable
       message_id: 7-1795509000000000
             body: {"data": {"name": "Limited sneaker", "available": 0, "product_id": 1, "stock_total": 100}, "type": "product.sold_out", "timestamp": "2026-11-24T08:30:00.000000Z"}
         replayed: 0
  mysql> CALL resend_notification(0, NULL);
  ERROR 31301 (45422): invalid_argument: notification_id must be a whole number from 1 to 9223372036854775807
'
BEGIN
  DECLARE v_id BIGINT UNSIGNED;
  DECLARE v_told, v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('notification_id', in_notification_id, 1, 9223372036854775807);
    SET v_id = in_notification_id;
    START TRANSACTION;
    SELECT EXISTS (SELECT 1 FROM notification_receivers AS r WHERE r.receiver = n.receiver)
      INTO v_told
      FROM notifications AS n
     WHERE n.notification_id = v_id
       FOR UPDATE;
    CALL _use_key(in_idempotency_key, 'resend_notification', JSON_ARRAY(in_notification_id), v_replayed);
    IF v_told IS NOT TRUE AND NOT v_replayed THEN
      CALL _raise('invalid_argument', 'notification_id must be of a notification whose receiver is told; see list_notifications', NULL);
    END IF;
    UPDATE notifications
       SET state = 'pending',
           attempts = 0,
           due_at = GREATEST(UTC_TIMESTAMP(6), created_at),
           gives_up_at = DEFAULT,
           settled_at = NULL
     WHERE notification_id = v_id AND NOT v_replayed;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_notifications(JSON_ARRAY(v_id), v_replayed);
  COMMIT;
END $$

DELIMITER ;
