DELIMITER $$

DROP PROCEDURE IF EXISTS adjust_stock $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE adjust_stock (
  IN in_product_id LONGTEXT,
  IN in_delta LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Adds units to a product or withdraws free ones, during the sale too; never below what is held or sold.

Parameters
  in_product_id      BIGINT
  in_delta           BIGINT  units to add, or to withdraw when negative; not 0; stock_total stays within 0 to 1,000,000,000
  in_reason          TEXT    1 to 255 characters, kept with your account in stock_adjustments
  in_idempotency_key TEXT    1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the product, as get_product returns it; replayed is 1 for a repeat: nothing changed

Errors
  product_not_found       no product has this id
  stock_in_use            fewer units are free than are to be withdrawn, also after all that expired was given back
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is NULL, out of bounds or too long

Locks
  the product, then all stripes of its stock

Example
  mysql> CALL adjust_stock(1, 50, ''second delivery'', NULL)\\G
  *************************** 1. row ***************************
   product_id: 1
         name: Limited sneaker
  stock_total: 150
    available: 148
         held: 0
         sold: 2
            …
  mysql> CALL adjust_stock(1, 0, ''nothing'', NULL);
  ERROR 31301 (45422): invalid_argument: delta must not be 0, and stock_total must stay within 1000000000
'
BEGIN
  DECLARE v_delta, v_stock_total BIGINT;
  DECLARE v_replayed BOOLEAN;
  DECLARE v_expired, v_enough BOOLEAN DEFAULT FALSE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    CALL _require_number('delta', in_delta, -1000000000, 1000000000);
    CALL _require_text('reason', in_reason, 255);
    SET v_delta = in_delta, v_expired = v_delta < 0;

    WHILE v_expired AND NOT v_enough DO
      START TRANSACTION;
      CALL _reclaim_expired(in_product_id, -v_delta, NULL);
      CALL _read_stock(in_product_id, -v_delta, v_enough, v_expired);
      COMMIT;
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    END WHILE;

    START TRANSACTION;
    CALL _lock_product(in_product_id);
    CALL _use_key(in_idempotency_key, 'adjust_stock', JSON_ARRAY(in_product_id, in_delta, in_reason), v_replayed);
    IF NOT v_replayed THEN
      SELECT stock_total INTO v_stock_total FROM products WHERE product_id = CAST(in_product_id AS UNSIGNED);
      IF v_delta = 0 OR v_stock_total + v_delta > 1000000000 THEN
        CALL _raise('invalid_argument', 'delta must not be 0, and stock_total must stay within 1000000000', NULL);
      ELSEIF v_stock_total + v_delta < 0 THEN
        CALL _raise('stock_in_use', 'you withdraw more units than the product has', NULL);
      END IF;
      UPDATE products SET stock_total = stock_total + v_delta WHERE product_id = CAST(in_product_id AS UNSIGNED);
      CALL _change_stock(in_product_id, v_delta, in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(in_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
