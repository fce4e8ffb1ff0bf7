DELIMITER $$

DROP PROCEDURE IF EXISTS stop_sale $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE stop_sale (
  IN in_product_id LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Ends the sale of a product at once, live holds included: nothing more can be held or ordered, units of holds go back, and a
  payment that was made for one of these holds is due; a hold that had run out before ends as expired. Orders that wait for their payment can
  still be paid; a late payment takes no units back for an order that lapsed. set_sale_window opens the sale again.

Parameters
  in_product_id      BIGINT
  in_reason          TEXT  1 to 255 characters, kept with your account in stock_ledger
  in_idempotency_key TEXT  1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the product, as get_product returns it; replayed is 1 for a repeat: nothing changed

Errors
  product_not_found       no product has this id
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is NULL, out of bounds or too long

Locks
  the product, all its holds, customer_units, stock_stripes

Example
  mysql> CALL stop_sale(1, ''wrong photo'', NULL)\\G
  *************************** 1. row ***************************
  product_id: 1
        name: Limited sneaker
  stopped_at: 2026-11-27 09:30:00.000000
           …
  mysql> CALL stop_sale(0, ''wrong photo'', NULL);
  ERROR 31301 (45422): invalid_argument: product_id must be a whole number from 1 to 2147483647
'
BEGIN
  DECLARE v_hold_ids JSON;
  DECLARE v_holds INT;
  DECLARE v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    CALL _require_text('reason', in_reason, 255);

    START TRANSACTION;
    CALL _lock_product(in_product_id);
    CALL _use_key(in_idempotency_key, 'stop_sale', JSON_ARRAY(in_product_id, in_reason), v_replayed);
    IF NOT v_replayed THEN
      UPDATE products SET stopped_at = COALESCE(stopped_at, UTC_TIMESTAMP(6)) WHERE product_id = CAST(in_product_id AS UNSIGNED);
      -- In the order in which everybody who gives back what expired locks them: by expires_at, then each by its primary key.
      SELECT JSON_ARRAYAGG(BIN_TO_UUID(hold_id)), COUNT(*)
        INTO v_hold_ids, v_holds
        FROM (SELECT h.hold_id
                FROM (SELECT hold_id
                        FROM holds
                       WHERE product_id = CAST(in_product_id AS UNSIGNED)
                       ORDER BY expires_at
                       LIMIT 18446744073709551615) AS live
                STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = live.hold_id
                 FOR UPDATE OF h) AS mine;
      IF v_holds > 0 THEN
        CALL _end_holds(v_hold_ids, 'stopped');
        CALL _notify_holds(v_hold_ids);
        CALL _free_units(in_product_id, v_hold_ids, NULL, FALSE);
      END IF;
      CALL _record_action('stop_sale', in_product_id, NULL, NULL, CONCAT('holds ended: ', v_holds), in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(in_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
