DELIMITER $$

DROP PROCEDURE IF EXISTS _make_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _make_orders (
  IN in_requests JSON,
  INOUT io_numbers TEXT,
  INOUT io_hold_ids JSON
)
COMMENT '
Description
  Makes the orders of those holds of a set whose time has not come, which have a price and no payment that waits for them, in the transaction of its
  caller, who has locked the holds and their products. It does to many what _make_order does to one of these; a generated test
  compares the two.

Parameters
  in_requests             JSON  as create_orders takes them
  io_numbers, io_hold_ids       in: as _lock_plain_holds found them; out: those that became orders; NULL: none

Errors
  1062  a key or a reference has made an order, or is making one at this instant

Locks
  the orders
'
BEGIN
  -- The clock is read after the locks were taken. ORDER BY: two sets that have several keys in common meet in one order.
  INSERT INTO orders (order_id, product_id, qty, customer_id, idempotency_key, reference, metadata, unit_price_minor, amount_minor, currency,
                      status, created_at, pay_by)
  SELECT h.hold_id, h.product_id, h.qty, h.customer_id, r.idempotency_key, r.reference, r.metadata, h.unit_price_minor,
         h.unit_price_minor * h.qty, p.currency, 'pending', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL p.payment_seconds SECOND
    FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (
           number FOR ORDINALITY,
           hold_id CHAR(36) PATH '$.hold_id',
           idempotency_key VARCHAR(272) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key',
           reference VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.reference',
           metadata VARCHAR(2048) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.metadata')) AS r
    STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = IF(FIND_IN_SET(r.number, io_numbers), UUID_TO_BIN(r.hold_id), NULL)
    STRAIGHT_JOIN products AS p FORCE INDEX (PRIMARY) ON p.product_id = h.product_id
   WHERE h.expires_at > UTC_TIMESTAMP(6) AND h.unit_price_minor > 0
     AND NOT EXISTS (SELECT 1 FROM payments AS w FORCE INDEX (uq_payments_order_id) WHERE w.order_id = h.hold_id)
   ORDER BY r.idempotency_key;

  -- A hold that was live had no order: those that have one by now are ours.
  IF ROW_COUNT() < JSON_LENGTH(io_hold_ids) THEN
    SELECT /*+ SET_VAR(group_concat_max_len = 1024) */ GROUP_CONCAT(r.number), JSON_ARRAYAGG(r.hold_id)
      INTO io_numbers, io_hold_ids
      FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (number FOR ORDINALITY, hold_id CHAR(36) PATH '$.hold_id')) AS r
      STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = IF(FIND_IN_SET(r.number, io_numbers), UUID_TO_BIN(r.hold_id), NULL);
  END IF;
  CALL _end_holds(io_hold_ids, 'ordered');
  CALL _notify_orders('order.created', io_hold_ids);
END $$

DELIMITER ;
