DELIMITER $$

DROP PROCEDURE IF EXISTS list_notifications $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_notifications (
  IN in_state LONGTEXT,
  IN in_limit LONGTEXT
)
COMMENT '
Description
  Lists notifications, newest first: what each receiver is to be told, how often that was tried and what came of it.

Parameters
  in_state TEXT    pending, delivered or failed; NULL: any
  in_limit BIGINT  1 to 10,000; NULL: 100

Result set
  notification_id, receiver, kind, subject (the id of the order or its hold; of a payment without one, its own; product and its id), state,
  attempts, created_at, due_at (pending: when it is tried next, or until when somebody is at it), settled_at, last_error, message_id
  (as the receiver sees it), body

Errors
  invalid_argument  a parameter is none of those

Locks
  none

Example
  mysql> CALL list_notifications(''failed'', 10)\\G
  *************************** 1. row ***************************
  notification_id: 7
         receiver: https://shop.example/flashsale
             kind: product.sold_out
          subject: product 1
            state: failed
         attempts: 79
       created_at: 2026-11-24 08:30:00.000000
           due_at: NULL
       settled_at: 2026-11-27 07:10:12.000000
       last_error: 503 Service Unavailable
       message_id: 7-1795509000000000
             body: {"data": {"name": "Limited sneaker", "available": 0, "product_id": 1, "stock_total": 100}, "type": "product.sold_out", "timestamp": "2026-11-24T08:30:00.000000Z"}
         replayed: 0
  mysql> CALL list_notifications(''lost'', NULL);
  ERROR 31301 (45422): invalid_argument: state must be pending, delivered, failed or NULL
'
BEGIN
  DECLARE v_limit BIGINT;
  DECLARE v_ids JSON;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    IF in_state NOT IN ('pending', 'delivered', 'failed') THEN
      CALL _raise('invalid_argument', 'state must be pending, delivered, failed or NULL', NULL);
    END IF;
    CALL _require_number('limit', COALESCE(in_limit, 1), 1, 10000);
    COMMIT;
  END;

  SET v_limit = COALESCE(in_limit, 100);
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  -- The ids first: MySQL can't sort rows with a body larger than sort_buffer_size (1038).
  SELECT JSON_ARRAYAGG(notification_id)
    INTO v_ids
    FROM (SELECT notification_id
            FROM notifications
           WHERE in_state IS NULL OR state = in_state
           ORDER BY notification_id DESC
           LIMIT v_limit) AS newest;
  CALL _select_notifications(v_ids, FALSE);
  COMMIT;
END $$

DELIMITER ;
