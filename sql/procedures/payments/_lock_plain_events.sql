DELIMITER $$

DROP PROCEDURE IF EXISTS _lock_plain_events $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _lock_plain_events (
  IN in_events JSON,
  IN in_distrusts BOOLEAN,
  IN in_known TEXT,
  OUT out_numbers TEXT,
  OUT out_order_ids JSON,
  OUT out_counts BOOLEAN
)
COMMENT '
Description
  Locks the pending orders that a set of events pays, in the transaction of its caller. It takes the successes that are well formed (as
  _require_payment has it), the first event of each key, order and payment, for orders without any payment. It waits for nobody: an
  order that somebody else has locked is left out, so that one slow buyer does not delay a hundred, and the order of locks cannot matter.

Parameters
  in_events     JSON     as receive_payment_webhooks takes them
  in_distrusts  BOOLEAN  leaves out the payloads that MySQL would refuse, or might by an error of its own, for their depth or length
  in_known      TEXT     numbers of events to leave out, as _find_known_events has them; empty: nothing is known
  out_numbers   TEXT     those of the events, with commas between them; NULL: none
  out_order_ids JSON     array of their orders'' ids as texts, in any order
  out_counts    BOOLEAN  some of them are of products that count customers

Locks
  the orders, those that are free; their payments (shared)
'
BEGIN
  -- What does not convert, or is too long, becomes an empty text or NULL; a type that is none of ours is seen in the JSON. A session may
  -- have lists cut short; half a number would be another one.
  SELECT /*+ SET_VAR(group_concat_max_len = 1024) */ GROUP_CONCAT(r.number), JSON_ARRAYAGG(o.order_uuid), MAX(p.counts_customers)
    INTO out_numbers, out_order_ids, out_counts
    FROM (SELECT number, order_id,
                 status = 'succeeded'
                 AND CHAR_LENGTH(order_id) = 36 AND IS_UUID(order_id)
                 AND CHAR_LENGTH(idempotency_key) BETWEEN 1 AND 255 AND JSON_TYPE(key_json) COLLATE utf8mb4_0900_bin = 'STRING'
                 AND (payment_id IS NULL OR (CHAR_LENGTH(payment_id) BETWEEN 1 AND 255
                                             AND JSON_TYPE(payment_json) COLLATE utf8mb4_0900_bin = 'STRING'))
                 AND (amount IS NULL OR REGEXP_LIKE(amount, '^[0-9]{1,18}\\z'))
                 AND (occurred_at IS NULL OR (occurred_at LIKE '____-__-__ __:__:__.______'
                                              AND CAST(occurred_at AS DATETIME(6)) IS NOT NULL))
                 AND (currency IS NULL OR CHAR_LENGTH(currency) = 3)
                 AND IF(payload_json IS NULL, TRUE,
                        IF(JSON_TYPE(payload_json) COLLATE utf8mb4_0900_bin <> 'STRING'
                           OR (in_distrusts AND (LENGTH(payload) > 65535 OR LENGTH(payload) - LENGTH(REPLACE(REPLACE(payload, '[', ''), '{', '')) > 100)),
                           FALSE, NOT in_distrusts OR JSON_VALID(payload))) AS is_good,
                 ROW_NUMBER() OVER (PARTITION BY idempotency_key ORDER BY number) AS turn_of_key,
                 ROW_NUMBER() OVER (PARTITION BY LOWER(order_id) ORDER BY number) AS turn_of_order,
                 ROW_NUMBER() OVER (PARTITION BY COALESCE(payment_id, LOWER(order_id)) ORDER BY number) AS turn_of_payment
            FROM JSON_TABLE(in_events, '$[*]' COLUMNS (
                   number FOR ORDINALITY,
                   idempotency_key VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key',
                   key_json JSON PATH '$.idempotency_key',
                   order_id VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.order_id',
                   payment_id VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.payment_id' DEFAULT '""' ON ERROR,
                   payment_json JSON PATH '$.payment_id',
                   status VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.status',
                   amount VARCHAR(19) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.amount' DEFAULT '""' ON ERROR,
                   currency VARCHAR(4) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.currency' DEFAULT '""' ON ERROR,
                   occurred_at VARCHAR(27) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.occurred_at' DEFAULT '""' ON ERROR,
                   payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.payload',
                   payload_json JSON PATH '$.payload')) AS given) AS r
    STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = IF(r.is_good, UUID_TO_BIN(r.order_id), NULL)
    STRAIGHT_JOIN products AS p FORCE INDEX (PRIMARY) ON p.product_id = o.product_id
    -- FOR SHARE: what was committed until its order was locked counts.
    LEFT JOIN payments AS w FORCE INDEX (uq_payments_order_id) ON w.order_id = o.order_id
   WHERE r.turn_of_key = 1 AND r.turn_of_order = 1 AND r.turn_of_payment = 1 AND NOT FIND_IN_SET(r.number, in_known)
     AND o.status = 'pending' AND w.payment_id IS NULL
     FOR UPDATE OF o SKIP LOCKED
     FOR SHARE OF w;
END $$

DELIMITER ;
