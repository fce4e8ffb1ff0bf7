DELIMITER $$

DROP PROCEDURE IF EXISTS create_product $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE create_product (
  IN in_name LONGTEXT,
  IN in_price LONGTEXT,
  IN in_currency LONGTEXT,
  IN in_stock_total LONGTEXT,
  IN in_stripes LONGTEXT,
  IN in_hold_seconds LONGTEXT,
  IN in_payment_seconds LONGTEXT,
  IN in_max_per_hold LONGTEXT,
  IN in_max_per_customer LONGTEXT,
  IN in_sale_starts_at DATETIME(6),
  IN in_sale_ends_at DATETIME(6),
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Puts a product on sale.

Parameters
  in_name             TEXT         1 to 200 characters
  in_price            BIGINT       of one unit, in minor units of the currency, a whole number from 0 to 1,000,000,000,000;
                                   0: an order is paid when it is made
  in_currency         TEXT         ISO 4217, three capital letters
  in_stock_total      BIGINT       units to sell, 0 to 1,000,000,000
  in_stripes          BIGINT       rows that share the stock, 1 to 256; NULL: one per 16 units, 64 at most
  in_hold_seconds     BIGINT       how long a hold lasts, 1 to 86,400; NULL: 120
  in_payment_seconds  BIGINT       how long an order may stay unpaid, 1 to 2,592,000; NULL: 900
  in_max_per_hold     BIGINT       1 to 1,000,000; NULL: 10
  in_max_per_customer BIGINT       over live holds and live orders together, 1 to 2,147,483,647; NULL: no limit
  in_sale_starts_at   DATETIME(6)  UTC; NULL: open at once
  in_sale_ends_at     DATETIME(6)  UTC; NULL: open until sold out
  in_idempotency_key  TEXT         1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the product, as get_product returns it; replayed is 1 for a repeat. It also sets @product_id, so create_hold(@product_id, …) can be pasted

Errors
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is NULL where none is said, out of bounds or too long

Locks
  the new rows only

Example
  mysql> CALL create_product(''Limited sneaker'', 12900, ''EUR'', 100, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)\\G
  *************************** 1. row ***************************
   product_id: 1
         name: Limited sneaker
        price: 12900
     currency: EUR
  stock_total: 100
    available: 100
      stripes: 6
            …
  mysql> CALL create_product(''Limited sneaker'', 129.00, ''EUR'', 100, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
  ERROR 31301 (45422): invalid_argument: price must be a whole number from 0 to 1000000000000
'
BEGIN
  DECLARE v_stripes SMALLINT;
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_product(in_name, in_currency, in_sale_starts_at, in_sale_ends_at);
    CALL _require_number('price', in_price, 0, 1000000000000);
    CALL _require_number('stock_total', in_stock_total, 0, 1000000000);
    CALL _require_number('stripes', COALESCE(in_stripes, 1), 1, 256);
    CALL _require_number('hold_seconds', COALESCE(in_hold_seconds, 1), 1, 86400);
    CALL _require_number('payment_seconds', COALESCE(in_payment_seconds, 1), 1, 2592000);
    CALL _require_number('max_per_hold', COALESCE(in_max_per_hold, 1), 1, 1000000);
    CALL _require_number('max_per_customer', COALESCE(in_max_per_customer, 1), 1, 2147483647);
    SET v_stripes = COALESCE(in_stripes, GREATEST(1, LEAST(64, in_stock_total DIV 16)));

    START TRANSACTION;
    CALL _use_key(in_idempotency_key, 'create_product',
                  JSON_ARRAY(in_name, in_price, in_currency, in_stock_total, in_stripes, in_hold_seconds, in_payment_seconds,
                             in_max_per_hold, in_max_per_customer, in_sale_starts_at, in_sale_ends_at),
                  v_replayed);
    IF v_replayed THEN
      SELECT product_id INTO v_product_id FROM operator_keys WHERE idempotency_key = in_idempotency_key;
    ELSE
      INSERT INTO products (name, price_minor, currency, stock_total, stripes, hold_seconds, payment_seconds,
                            max_per_hold, max_per_customer, sale_starts_at, sale_ends_at, created_at)
      VALUES (in_name, in_price, in_currency, in_stock_total, v_stripes, COALESCE(in_hold_seconds, DEFAULT(hold_seconds)),
              COALESCE(in_payment_seconds, DEFAULT(payment_seconds)), COALESCE(in_max_per_hold, DEFAULT(max_per_hold)), in_max_per_customer,
              in_sale_starts_at, in_sale_ends_at, UTC_TIMESTAMP(6));
      SET v_product_id = LAST_INSERT_ID();
      INSERT INTO stock_stripes (product_id, stripe, available)
        WITH RECURSIVE stripes (stripe) AS (
          SELECT 0
           UNION ALL
          SELECT stripe + 1 FROM stripes WHERE stripe + 1 < v_stripes)
        SELECT v_product_id, stripe, 0 FROM stripes;
      CALL _change_stock(v_product_id, in_stock_total, 'the first stock');
      UPDATE operator_keys SET product_id = v_product_id WHERE idempotency_key = in_idempotency_key;
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SET @product_id = v_product_id;
  CALL _select_products(v_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
