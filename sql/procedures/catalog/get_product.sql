DELIMITER $$

DROP PROCEDURE IF EXISTS get_product $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE get_product (
  IN in_product_id LONGTEXT
)
COMMENT '
Description
  Returns a product and where its units are.

Parameters
  in_product_id BIGINT

Result set
  product_id, name, price (minor units), currency, stock_total,
  available (free or expired, whether swept or not), held (in live holds), sold (in live orders, paid or not yet),
  max_per_hold, max_per_customer, max_unpaid_percent, pause_seconds (NULL: no limit),
  extension_seconds (NULL: none), hold_seconds, payment_seconds, stripes,
  sale_starts_at, sale_ends_at (UTC; NULL: open), stopped_at, paused_at (since when), archived_at (UTC; NULL: not),
  replayed (always 0)

Errors
  product_not_found  no product has this id
  invalid_argument   the id is NULL or out of bounds

Locks
  none

Example
  mysql> CALL get_product(1)\\G
  *************************** 1. row ***************************
          product_id: 1
                name: Limited sneaker
               price: 12900
            currency: EUR
         stock_total: 100
           available: 98
                held: 2
                sold: 0
        max_per_hold: 10
    max_per_customer: NULL
  max_unpaid_percent: NULL
       pause_seconds: NULL
   extension_seconds: NULL
        hold_seconds: 120
     payment_seconds: 900
             stripes: 6
      sale_starts_at: NULL
        sale_ends_at: NULL
          stopped_at: NULL
           paused_at: NULL
         archived_at: NULL
            replayed: 0
  mysql> CALL get_product(99);
  ERROR 31001 (45404): product_not_found: no product has this id; list_products shows those on sale
'
BEGIN
  DECLARE v_product_id INT UNSIGNED;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    SELECT product_id INTO v_product_id FROM products WHERE product_id = CAST(in_product_id AS UNSIGNED);
    IF v_product_id IS NULL THEN
      CALL _raise('product_not_found', 'no product has this id; list_products shows those on sale', NULL);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(v_product_id, FALSE);
  COMMIT;
END $$

DELIMITER ;
