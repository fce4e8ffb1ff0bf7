DELIMITER $$

DROP PROCEDURE IF EXISTS _refuse_ended_hold $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _refuse_ended_hold (
  IN in_hold_id BINARY(16),
  IN in_refuse_ordered BOOLEAN
)
COMMENT '
Description
  Says how a hold ended, if it did; silent for a live one.

Parameters
  in_hold_id        BINARY(16)
  in_refuse_ordered BOOLEAN     whether a hold that became an order is refused too

Errors
  hold_not_found, hold_expired, hold_released, hold_already_used

Locks
  none; how a hold ended never changes
'
BEGIN
  DECLARE v_state VARCHAR(8);
  DECLARE v_expires_at DATETIME(6);

  SELECT state, expires_at
    INTO v_state, v_expires_at
    FROM (SELECT IF(is_live, 'live', 'expired') AS state, ends_at AS expires_at FROM hold_deadlines WHERE hold_id = in_hold_id
           UNION ALL
          SELECT ended_as, expires_at FROM hold_history WHERE hold_id = in_hold_id) AS hold
   LIMIT 1;

  IF v_state IS NULL THEN
    CALL _raise('hold_not_found', 'no hold has this id; create_hold makes one', NULL);
  ELSEIF v_state = 'expired' THEN
    CALL _raise('hold_expired', CONCAT('the hold expired at ', DATE_FORMAT(v_expires_at, '%Y-%m-%dT%TZ'), '; make a new one'), NULL);
  ELSEIF v_state = 'released' THEN
    CALL _raise('hold_released', 'the hold was given back; make a new one', NULL);
  ELSEIF v_state = 'stopped' THEN
    CALL _raise('hold_released', 'the sale was stopped, and this hold with it', NULL);
  ELSEIF v_state = 'ordered' AND in_refuse_ordered THEN
    CALL _raise('hold_already_used', 'the hold became the order of the same id; get_order shows it', NULL);
  END IF;
END $$

DELIMITER ;
