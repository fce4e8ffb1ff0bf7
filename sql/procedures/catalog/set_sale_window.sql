DELIMITER $$

DROP PROCEDURE IF EXISTS set_sale_window $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE set_sale_window (
  IN in_product_id LONGTEXT,
  IN in_sale_starts_at DATETIME(6),
  IN in_sale_ends_at DATETIME(6),
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Sets when a product is on sale: opens, closes or reschedules it, in the middle of the sale too. Live holds stay valid:
  the window is for new ones. A product whose sale was stopped, or that was archived, is on sale again.

Parameters
  in_product_id      BIGINT       the product
  in_sale_starts_at  DATETIME(6)  UTC; NULL: open from the beginning
  in_sale_ends_at    DATETIME(6)  UTC; NULL: open until sold out; UTC_TIMESTAMP(6) closes it now
  in_reason          TEXT         1 to 255 characters, kept with your account in stock_ledger
  in_idempotency_key TEXT         1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the product, as get_product returns it; replayed is 1 for a repeat: nothing changed

Errors
  product_not_found       no product has this id
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is out of bounds, or the end is not later than the start

Locks
  the product

Example
  mysql> CALL set_sale_window(1, ''2026-11-27 09:00:00'', ''2026-11-27 12:00:00'', ''advertised for nine'', NULL)\\G
  *************************** 1. row ***************************
      product_id: 1
            name: Limited sneaker
  sale_starts_at: 2026-11-27 09:00:00.000000
    sale_ends_at: 2026-11-27 12:00:00.000000
               …
  mysql> CALL set_sale_window(1, ''2026-11-27 12:00:00'', ''2026-11-27 09:00:00'', ''the other way round'', NULL);
  ERROR 31301 (45422): invalid_argument: sale_ends_at must be later than sale_starts_at
'
BEGIN
  DECLARE v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    CALL _require_window(in_sale_starts_at, in_sale_ends_at);
    CALL _require_text('reason', in_reason, 255);

    START TRANSACTION;
    CALL _lock_product(in_product_id);
    CALL _use_key(in_idempotency_key, 'set_sale_window',
                  JSON_ARRAY(in_product_id, in_sale_starts_at, in_sale_ends_at, in_reason),
                  v_replayed);
    IF NOT v_replayed THEN
      UPDATE products
         SET sale_starts_at = in_sale_starts_at,
             sale_ends_at = in_sale_ends_at,
             stopped_at = NULL,
             archived_at = NULL
       WHERE product_id = CAST(in_product_id AS UNSIGNED);
      CALL _record_action('set_sale_window', in_product_id, NULL, NULL,
                          CONCAT('from ', COALESCE(in_sale_starts_at, 'the beginning'), ' to ', COALESCE(in_sale_ends_at, 'sold out')),
                          in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(in_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
