DELIMITER $$

DROP PROCEDURE IF EXISTS _find_known_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _find_known_orders (
  IN in_requests JSON,
  OUT out_numbers TEXT
)
COMMENT '
Description
  Finds the requests of a set whose key or reference has made an order. They are rare, so a set asks for them only when it has failed
  because of one.

Parameters
  in_requests JSON  as create_orders takes them
  out_numbers TEXT  those of the requests, with commas between them; empty: none

Locks
  none
'
BEGIN
  SELECT /*+ SET_VAR(group_concat_max_len = 1024) */ COALESCE(GROUP_CONCAT(r.number), '')
    INTO out_numbers
    FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (
           number FOR ORDINALITY,
           idempotency_key VARCHAR(272) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key',
           reference VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.reference')) AS r
   WHERE EXISTS (SELECT 1 FROM orders AS o FORCE INDEX (uq_orders_idempotency_key) WHERE o.idempotency_key = r.idempotency_key)
      OR EXISTS (SELECT 1 FROM orders AS o FORCE INDEX (uq_orders_reference) WHERE o.reference = r.reference);
END $$

DELIMITER ;
