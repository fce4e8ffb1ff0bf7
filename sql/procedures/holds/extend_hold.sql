DELIMITER $$

DROP PROCEDURE IF EXISTS extend_hold $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE extend_hold (
  IN in_hold_id LONGTEXT
)
COMMENT '
Description
  Lets a live hold live longer, once, by the product''s extension_seconds (set_limits); most products allow none.

Parameters
  in_hold_id TEXT  as create_hold returned it

Result set
  the hold, as get_hold returns it; replayed is 1 for a hold that was extended already, or is paid and cannot be lost: nothing
  changed

Errors
  hold_not_found         no hold has this id
  hold_expired           its time ran out, swept or not
  hold_released          it was given back
  hold_already_used      it became an order
  extension_not_allowed  the product has no extension_seconds
  invalid_argument       the id is not a UUID

Locks
  the hold

Example
  mysql> CALL extend_hold(''01a21c20-2b40-774a-9f04-b08ae378760d'')\\G
  *************************** 1. row ***************************
        hold_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     product_id: 1
            qty: 2
    customer_id: alice
     unit_price: 12900
         status: active
     created_at: 2026-11-27 08:30:00.000000
     expires_at: 2026-11-27 08:32:30.000000
  expires_in_ms: 150000
       ended_at: NULL
       replayed: 0
  mysql> CALL extend_hold(''8'');
  ERROR 31301 (45422): invalid_argument: hold_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_hold_id BINARY(16);
  DECLARE v_seconds INT;
  DECLARE v_expires_at, v_extended_at DATETIME(6);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_live BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('hold_id', in_hold_id);
    SET v_hold_id = UUID_TO_BIN(in_hold_id);

    START TRANSACTION;
    SELECT h.product_id, h.expires_at, COALESCE(h.extended_at, h.order_at), p.extension_seconds
      INTO v_product_id, v_expires_at, v_extended_at, v_seconds
      FROM holds AS h
      STRAIGHT_JOIN products AS p FORCE INDEX (PRIMARY) ON p.product_id = h.product_id
     WHERE h.hold_id = v_hold_id
       FOR UPDATE OF h;
    -- Only now: the lock may have been waited for.
    SELECT v_expires_at > clock INTO v_live FROM product_clocks WHERE product_id = v_product_id;
    IF v_live IS NOT TRUE THEN
      CALL _refuse_ended_hold(v_hold_id, TRUE);
    ELSEIF v_extended_at IS NULL AND v_seconds IS NULL THEN
      CALL _raise('extension_not_allowed', 'holds of this product can''t be extended; order before it expires', NULL);
    ELSEIF v_extended_at IS NULL THEN
      UPDATE holds
         SET expires_at = expires_at + INTERVAL v_seconds SECOND,
             extended_at = UTC_TIMESTAMP(6)
       WHERE hold_id = v_hold_id;
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_hold(v_hold_id, v_extended_at IS NOT NULL);
  COMMIT;
END $$

DELIMITER ;
