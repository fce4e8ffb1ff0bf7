DELIMITER $$

DROP PROCEDURE IF EXISTS _end_holds $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _end_holds (
  IN in_hold_ids JSON,
  IN in_ended_as VARCHAR(8)
)
COMMENT '
Description
  Ends live holds, in the transaction of its caller, who has locked them: archives them with the reason. Unless an order takes
  the units over, the caller gives them back at the end, by _free_units. STRAIGHT_JOIN: a plan that begins with the table would
  lock the rows of every other buyer.

Parameters
  in_hold_ids JSON     array of ids as texts
  in_ended_as VARCHAR  ordered, expired, released or stopped; what had expired before the sale was stopped is expired all the same

Locks
  none beyond the holds
'
BEGIN
  -- What its buyer was shown is kept.
  INSERT INTO hold_history
         (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, expires_at, extended_at, ended_at, ended_as)
  SELECT h.hold_id, h.product_id, h.qty, h.unit_price_minor, h.customer_id, h.idempotency_key, h.created_at, h.ends_at, h.extended_at,
         UTC_TIMESTAMP(6), IF(in_ended_as = 'stopped' AND NOT h.is_live, 'expired', in_ended_as)
    FROM JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
    STRAIGHT_JOIN hold_deadlines AS h ON h.hold_id = UUID_TO_BIN(ended.id);

  DELETE h
    FROM JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
    STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = UUID_TO_BIN(ended.id);
END $$

DELIMITER ;
