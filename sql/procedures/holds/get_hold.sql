DELIMITER $$

DROP PROCEDURE IF EXISTS get_hold $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE get_hold (
  IN in_hold_id LONGTEXT
)
COMMENT '
Description
  Returns a hold, or says how it ended.

Parameters
  in_hold_id TEXT  as create_hold returned it

Result set
  hold_id, product_id, qty, customer_id, unit_price (minor units), status (active, or ordered: it lives on as the order of the same
  id), created_at, expires_at, expires_in_ms (NULL unless active), ended_at, replayed (always 0)

Errors
  hold_not_found    no hold has this id
  hold_expired      its time ran out, swept or not
  hold_released     it was given back
  invalid_argument  the id is not a UUID

Locks
  none

Example
  mysql> CALL get_hold(''01a20319-2bbd-791d-84b2-71a78f2dfc9f'')\\G
  *************************** 1. row ***************************
        hold_id: 01a20319-2bbd-791d-84b2-71a78f2dfc9f
     product_id: 1
            qty: 2
    customer_id: alice
     unit_price: 12900
         status: active
     created_at: 2026-11-22 11:51:50.973853
     expires_at: 2026-11-22 11:53:50.973853
  expires_in_ms: 98604
       ended_at: NULL
       replayed: 0
  mysql> CALL get_hold(''8'');
  ERROR 31301 (45422): invalid_argument: hold_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('hold_id', in_hold_id);
    CALL _refuse_ended_hold(UUID_TO_BIN(in_hold_id), FALSE);
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_hold(UUID_TO_BIN(in_hold_id), FALSE);
  COMMIT;
END $$

DELIMITER ;
