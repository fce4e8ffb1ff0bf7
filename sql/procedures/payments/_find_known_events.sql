DELIMITER $$

DROP PROCEDURE IF EXISTS _find_known_events $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _find_known_events (
  IN in_events JSON,
  OUT out_numbers TEXT
)
COMMENT '
Description
  Finds the events of a set whose key or payment is known. They are rare, so a set asks for them only when it has failed because of one.

Parameters
  in_events   JSON  as receive_payment_webhooks takes them
  out_numbers TEXT  those of the events, with commas between them; empty: none

Locks
  none
'
BEGIN
  SELECT /*+ SET_VAR(group_concat_max_len = 1024) */ COALESCE(GROUP_CONCAT(e.number), '')
    INTO out_numbers
    FROM JSON_TABLE(in_events, '$[*]' COLUMNS (
           number FOR ORDINALITY,
           idempotency_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key',
           order_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.order_id',
           payment_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.payment_id')) AS e
   WHERE EXISTS (SELECT 1 FROM payment_webhooks AS w FORCE INDEX (uq_payment_webhooks_idempotency_key) WHERE w.idempotency_key = e.idempotency_key)
      OR EXISTS (SELECT 1 FROM payments AS w FORCE INDEX (PRIMARY) WHERE w.payment_id = COALESCE(e.payment_id, LOWER(e.order_id)));
END $$

DELIMITER ;
