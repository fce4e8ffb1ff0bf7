DELIMITER $$

DROP PROCEDURE IF EXISTS release_hold $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE release_hold (
  IN in_hold_id LONGTEXT
)
COMMENT '
Description
  Gives the units of a hold back before it expires. Releasing it again changes nothing and answers the same.
  A payment that was made for it is due.

Parameters
  in_hold_id TEXT  as create_hold returned it

Result set
  the hold, as get_hold returns it; status is released; replayed is 1 when it was released before

Errors
  hold_not_found     no hold has this id
  hold_expired       its time ran out first
  hold_already_used  it became an order
  invalid_argument   the id is not a UUID

Locks
  the hold, then customer_units, then a stripe of stock

Example
  mysql> CALL release_hold(''01a20319-2cfd-7eb6-98f4-ea47eeb64710'')\\G
  *************************** 1. row ***************************
        hold_id: 01a20319-2cfd-7eb6-98f4-ea47eeb64710
     product_id: 1
            qty: 1
    customer_id: bob
     unit_price: 12900
         status: released
     created_at: 2026-11-22 11:51:51.293280
     expires_at: 2026-11-22 11:53:51.293280
  expires_in_ms: NULL
       ended_at: 2026-11-22 11:51:51.327105
       replayed: 0
  mysql> CALL release_hold(NULL);
  ERROR 31301 (45422): invalid_argument: hold_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_hold_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_expires_at DATETIME(6);
  DECLARE v_live BOOLEAN;
  DECLARE v_released_before BOOLEAN DEFAULT FALSE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('hold_id', in_hold_id);
    SET v_hold_id = UUID_TO_BIN(in_hold_id);

    START TRANSACTION;
    SELECT product_id, expires_at
      INTO v_product_id, v_expires_at
      FROM holds
     WHERE hold_id = v_hold_id
       FOR UPDATE;
    -- The clock is read after the lock was waited for. No row gives NULL, which is no live hold either.
    SELECT v_expires_at > clock INTO v_live FROM product_clocks WHERE product_id = v_product_id;
    IF v_live THEN
      CALL _end_holds(JSON_ARRAY(in_hold_id), 'released');
      CALL _free_units(v_product_id, JSON_ARRAY(in_hold_id), NULL, TRUE);
    ELSE
      SELECT EXISTS (SELECT 1 FROM hold_history WHERE hold_id = v_hold_id AND ended_as = 'released') INTO v_released_before;
      IF NOT v_released_before THEN
        CALL _refuse_ended_hold(v_hold_id, TRUE);
      END IF;
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_hold(v_hold_id, v_released_before);
  COMMIT;
END $$

DELIMITER ;
