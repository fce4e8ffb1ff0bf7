DELIMITER $$

DROP PROCEDURE IF EXISTS _pay_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _pay_orders (
  IN in_events JSON,
  INOUT io_numbers TEXT,
  INOUT io_order_ids JSON
)
COMMENT '
Description
  The first payments of pending orders pay them, in the transaction of its caller, who has locked the orders and writes the events into
  the inbox. It does to many what the short way of receive_payment_webhook does to one, and the row of pending and matching
  in payment_rules says; a generated test compares them.

Parameters
  in_events                JSON  as receive_payment_webhooks takes them
  io_numbers, io_order_ids       in: as _lock_plain_events found them; out: those that pay their orders; NULL: none

Errors
  1062  a payment is known, or comes at this instant in another session

Locks
  the payments
'
BEGIN
  -- ORDER BY: two sets that have several payments in common meet in one order.
  INSERT INTO payments (payment_id, order_id, state, amount_minor, currency, received_by, created_at, received_at, decided_at)
  SELECT COALESCE(r.payment_id, LOWER(r.order_id)), o.order_id, 'paying', o.amount_minor, o.currency, r.idempotency_key, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),
         UTC_TIMESTAMP(6)
    FROM JSON_TABLE(in_events, '$[*]' COLUMNS (
           number FOR ORDINALITY,
           order_id CHAR(36) PATH '$.order_id',
           payment_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.payment_id',
           idempotency_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key',
           amount BIGINT PATH '$.amount',
           currency CHAR(3) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.currency')) AS r
    STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = IF(FIND_IN_SET(r.number, io_numbers), UUID_TO_BIN(r.order_id), NULL)
   WHERE o.status = 'pending' AND COALESCE(r.amount = o.amount_minor, TRUE) AND COALESCE(r.currency = o.currency, TRUE)
   ORDER BY 1;

  -- A pending order has no payment that pays it: those that have one by now are ours.
  IF ROW_COUNT() < JSON_LENGTH(io_order_ids) THEN
    SELECT /*+ SET_VAR(group_concat_max_len = 1024) */ GROUP_CONCAT(r.number), JSON_ARRAYAGG(w.order_uuid)
      INTO io_numbers, io_order_ids
      FROM JSON_TABLE(in_events, '$[*]' COLUMNS (number FOR ORDINALITY, order_id CHAR(36) PATH '$.order_id')) AS r
      STRAIGHT_JOIN payments AS w FORCE INDEX (uq_payments_order_id) ON w.order_id = IF(FIND_IN_SET(r.number, io_numbers), UUID_TO_BIN(r.order_id), NULL)
     WHERE w.state = 'paying';
  END IF;

  UPDATE JSON_TABLE(in_events, '$[*]' COLUMNS (
           number FOR ORDINALITY,
           order_id CHAR(36) PATH '$.order_id',
           payment_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.payment_id')) AS r
    STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = IF(FIND_IN_SET(r.number, io_numbers), UUID_TO_BIN(r.order_id), NULL)
     SET o.status = 'paid',
         o.payment_id = COALESCE(r.payment_id, LOWER(r.order_id)),
         o.paid_at = UTC_TIMESTAMP(6);
  CALL _notify_orders('order.paid', io_order_ids);
END $$

DELIMITER ;
