DELIMITER $$

DROP PROCEDURE IF EXISTS _select_hold $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _select_hold (
  IN in_hold_id BINARY(16),
  IN in_replayed BOOLEAN
)
COMMENT '
Description
  Returns a hold, live or ended, as the result set of its caller.

Result set
  as get_hold documents it; status may also be expired, released or stopped
'
BEGIN
  SELECT hold_uuid AS hold_id, product_id, qty, customer_id, unit_price_minor AS unit_price,
         IF(is_live, 'active', 'expired') AS status, created_at, ends_at AS expires_at,
         IF(is_live, GREATEST(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), ends_at) DIV 1000, 0), NULL) AS expires_in_ms,
         IF(is_live, NULL, ends_at) AS ended_at,
         in_replayed AS replayed
    FROM hold_deadlines
   WHERE hold_id = in_hold_id
   UNION ALL
  SELECT hold_uuid, product_id, qty, customer_id, unit_price_minor, ended_as, created_at, expires_at, NULL, ended_at, in_replayed
    FROM hold_history
   WHERE hold_id = in_hold_id;
END $$

DELIMITER ;
