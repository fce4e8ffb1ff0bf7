DELIMITER $$

DROP PROCEDURE IF EXISTS _lock_plain_holds $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _lock_plain_holds (
  IN in_requests JSON,
  IN in_known TEXT,
  OUT out_numbers TEXT,
  OUT out_hold_ids JSON
)
COMMENT '
Description
  Locks the holds of a set of orders, in the transaction of its caller, with their products (shared). It takes the requests that are
  well formed, the first of each hold, of each key and of each reference. It waits for nobody: a hold or a product that somebody else
  has locked is left out, so that one slow buyer does not delay a hundred, and the order of locks cannot matter.

Parameters
  in_requests  JSON  as create_orders takes them
  in_known     TEXT  numbers of requests to leave out, as _find_known_orders has them; empty: nothing is known
  out_numbers  TEXT  those of the requests, with commas between them; NULL: none
  out_hold_ids JSON  array of their holds'' ids as texts, in any order

Locks
  the products (shared) and the holds, those that are free
'
BEGIN
  -- What does not convert, or is too long, becomes an empty text; a type that is none of ours is seen in the JSON. A session may have
  -- lists cut short; half a number would be another one.
  SELECT /*+ SET_VAR(group_concat_max_len = 1024) */ GROUP_CONCAT(r.number), JSON_ARRAYAGG(h.hold_uuid)
    INTO out_numbers, out_hold_ids
    FROM (SELECT number, idempotency_key, reference, IF(CHAR_LENGTH(hold_id) = 36 AND IS_UUID(hold_id), UUID_TO_BIN(hold_id), NULL) AS hold_id,
                 (idempotency_key IS NULL
                  OR (JSON_TYPE(key_json) COLLATE utf8mb4_0900_bin = 'STRING' AND CHAR_LENGTH(idempotency_key) BETWEEN 1 AND 272))
                 AND (reference IS NULL
                      OR (JSON_TYPE(reference_json) COLLATE utf8mb4_0900_bin = 'STRING' AND CHAR_LENGTH(reference) BETWEEN 1 AND 64))
                 -- One that is nested too deeply would be an error of MySQL's own.
                 AND (metadata IS NULL
                      OR IF(JSON_TYPE(metadata_json) COLLATE utf8mb4_0900_bin <> 'STRING' OR LENGTH(metadata) > 2048
                            OR LENGTH(metadata) - LENGTH(REPLACE(REPLACE(metadata, '[', ''), '{', '')) > 100,
                            FALSE,
                            IF(JSON_VALID(metadata), JSON_TYPE(metadata) COLLATE utf8mb4_0900_bin = 'OBJECT', FALSE))) AS is_good,
                 ROW_NUMBER() OVER (PARTITION BY LOWER(hold_id) ORDER BY number) AS turn_of_hold,
                 ROW_NUMBER() OVER (PARTITION BY idempotency_key ORDER BY number) AS turn_of_key,
                 ROW_NUMBER() OVER (PARTITION BY reference ORDER BY number) AS turn_of_reference
            FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (
                   number FOR ORDINALITY,
                   hold_id VARCHAR(37) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.hold_id',
                   idempotency_key VARCHAR(273) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key'
                     DEFAULT '""' ON ERROR,
                   key_json JSON PATH '$.idempotency_key',
                   reference VARCHAR(65) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.reference'
                     DEFAULT '""' ON ERROR,
                   reference_json JSON PATH '$.reference',
                   metadata VARCHAR(2049) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.metadata'
                     DEFAULT '""' ON ERROR,
                   metadata_json JSON PATH '$.metadata')) AS given) AS r
    STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = IF(r.is_good, r.hold_id, NULL)
    STRAIGHT_JOIN products AS p FORCE INDEX (PRIMARY) ON p.product_id = h.product_id
   WHERE r.turn_of_hold = 1 AND (r.turn_of_key = 1 OR r.idempotency_key IS NULL) AND (r.turn_of_reference = 1 OR r.reference IS NULL)
     AND NOT FIND_IN_SET(r.number, in_known)
     FOR UPDATE OF h SKIP LOCKED
     FOR SHARE OF p SKIP LOCKED;
END $$

DELIMITER ;
