DELIMITER $$

DROP PROCEDURE IF EXISTS list_products $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_products ()
COMMENT '
Description
  Returns every product that is not archived, and where its units are at this moment.

Parameters
  none

Result set
  product_id, name, price (minor units), currency, stock_total,
  available (free or expired, whether swept or not), held (in live holds), sold (in live orders, paid or not yet),
  max_per_hold, max_per_customer, max_unpaid_percent, pause_seconds (NULL: no limit),
  extension_seconds (NULL: none), hold_seconds, payment_seconds, stripes,
  sale_starts_at, sale_ends_at (UTC; NULL: open), stopped_at, archived_at (UTC; NULL: not); no row when there is no product

Errors
  none

Locks
  none

Example
  mysql> CALL list_products()\\G
  *************************** 1. row ***************************
          product_id: 1
                name: Limited sneaker
               price: 12900
            currency: EUR
         stock_total: 100
           available: 100
                held: 0
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
         archived_at: NULL
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(NULL);
  COMMIT;
END $$

DELIMITER ;
