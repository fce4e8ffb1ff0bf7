DELIMITER $$

DROP PROCEDURE IF EXISTS pause_sale $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE pause_sale (
  IN in_product_id LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Pauses the sale of a product, for example when the shop is down: nothing new can be held, and no hold and no pending order runs
  out. They can still be ordered, paid, released and cancelled. resume_sale ends the pause. Pausing again changes nothing. The pause does not
  move the sale window; set_sale_window does.

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
  the product

Example
  mysql> CALL pause_sale(1, ''the shop is down'', NULL)\\G
  *************************** 1. row ***************************
  product_id: 1
        name: Limited sneaker
   paused_at: 2026-11-27 08:30:00.000000
           …
  mysql> CALL pause_sale(1, '''', NULL);
  ERROR 31301 (45422): invalid_argument: reason must be a text of 1 to 255 characters
'
BEGIN
  DECLARE v_paused_at DATETIME(6);
  DECLARE v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    CALL _require_text('reason', in_reason, 255);

    START TRANSACTION;
    CALL _lock_product(in_product_id);
    CALL _use_key(in_idempotency_key, 'pause_sale', JSON_ARRAY(in_product_id, in_reason), v_replayed);
    SELECT paused_at INTO v_paused_at FROM products WHERE product_id = CAST(in_product_id AS UNSIGNED);
    SET v_replayed = v_replayed OR v_paused_at IS NOT NULL;
    IF NOT v_replayed THEN
      UPDATE products SET paused_at = UTC_TIMESTAMP(6) WHERE product_id = CAST(in_product_id AS UNSIGNED);
      CALL _record_action('pause_sale', in_product_id, NULL, NULL, NULL, in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(in_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
