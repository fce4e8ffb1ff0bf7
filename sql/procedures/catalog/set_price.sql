DELIMITER $$

DROP PROCEDURE IF EXISTS set_price $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE set_price (
  IN in_product_id LONGTEXT,
  IN in_price LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Changes what the next hold of a product will cost. Holds and orders that are there keep the price that their buyer saw.

Parameters
  in_product_id      BIGINT
  in_price           BIGINT  of one unit, in minor units of the currency, a whole number from 0 to 1,000,000,000,000; 0: an order is paid
                             when it is made
  in_reason          TEXT    1 to 255 characters, kept with your account in stock_ledger
  in_idempotency_key TEXT    1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the product, as get_product returns it; replayed is 1 for a repeat: nothing changed

Errors
  product_not_found       no product has this id
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is NULL, not whole, out of bounds or too long

Locks
  the product

Example
  mysql> CALL set_price(1, 9900, ''last day'', NULL)\\G
  *************************** 1. row ***************************
  product_id: 1
        name: Limited sneaker
       price: 9900
    currency: EUR
           …
  mysql> CALL set_price(1, 99.00, ''last day'', NULL);
  ERROR 31301 (45422): invalid_argument: price must be a whole number from 0 to 1000000000000
'
BEGIN
  DECLARE v_before BIGINT;
  DECLARE v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    CALL _require_number('price', in_price, 0, 1000000000000);
    CALL _require_text('reason', in_reason, 255);

    START TRANSACTION;
    CALL _lock_product(in_product_id);
    CALL _use_key(in_idempotency_key, 'set_price', JSON_ARRAY(in_product_id, in_price, in_reason), v_replayed);
    IF NOT v_replayed THEN
      SELECT price_minor INTO v_before FROM products WHERE product_id = CAST(in_product_id AS UNSIGNED);
      UPDATE products SET price_minor = in_price WHERE product_id = CAST(in_product_id AS UNSIGNED);
      CALL _record_action('set_price', in_product_id, NULL, NULL, CONCAT('from ', v_before, ' to ', in_price), in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(in_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
