DELIMITER $$

DROP PROCEDURE IF EXISTS archive_product $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE archive_product (
  IN in_product_id LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Takes a product off list_products, the overview and the board, once its sale is over; get_product still shows it, and its orders
  and payments stay.

Parameters
  in_product_id      BIGINT
  in_reason          TEXT  1 to 255 characters, kept with your account in stock_ledger
  in_idempotency_key TEXT  1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the product, as get_product returns it; replayed is 1 for a repeat: nothing changed

Errors
  product_not_found       no product has this id
  stock_in_use            something is held, or waits for its payment: stop_sale ends holds, cancel_order ends orders
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is NULL, out of bounds or too long

Locks
  the product

Example
  mysql> CALL archive_product(1, ''season over'', NULL)\\G
  *************************** 1. row ***************************
   product_id: 1
         name: Limited sneaker
  archived_at: 2026-11-27 09:30:00.000000
            …
  mysql> CALL archive_product(1, '''', NULL);
  ERROR 31301 (45422): invalid_argument: reason must be a text of 1 to 255 characters
'
BEGIN
  DECLARE v_live, v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    CALL _require_text('reason', in_reason, 255);

    START TRANSACTION;
    CALL _lock_product(in_product_id);
    CALL _use_key(in_idempotency_key, 'archive_product', JSON_ARRAY(in_product_id, in_reason), v_replayed);
    IF NOT v_replayed THEN
      SELECT EXISTS (SELECT 1 FROM holds WHERE product_id = CAST(in_product_id AS UNSIGNED))
             OR EXISTS (SELECT 1 FROM orders WHERE product_id = CAST(in_product_id AS UNSIGNED) AND status = 'pending')
        INTO v_live;
      IF v_live THEN
        CALL _raise('stock_in_use', 'something is held or waits for its payment; stop_sale ends holds, cancel_order ends orders', NULL);
      END IF;
      UPDATE products
         SET stopped_at = COALESCE(stopped_at, UTC_TIMESTAMP(6)),
             archived_at = COALESCE(archived_at, UTC_TIMESTAMP(6))
       WHERE product_id = CAST(in_product_id AS UNSIGNED);
      CALL _record_action('archive_product', in_product_id, NULL, NULL, NULL, in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(in_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
