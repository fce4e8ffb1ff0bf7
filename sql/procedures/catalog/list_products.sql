DELIMITER $$

DROP PROCEDURE IF EXISTS list_products $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_products (
  IN in_sale LONGTEXT,
  IN in_after LONGTEXT,
  IN in_limit LONGTEXT
)
COMMENT '
Description
  Lists the products that are not archived, page by page, the oldest first, and where their units are at this moment.

Parameters
  in_sale  TEXT    whose sale is upcoming, open, paused, sold_out or ended, as show_board tells; NULL: all
  in_after BIGINT  the product_id of the last one of the page before; NULL: the first page
  in_limit BIGINT  1 to 1,000 products; NULL: 1,000

Result set
  the products, as get_product returns one; fewer rows than in_limit: the last page

Errors
  invalid_argument  a parameter is none of those

Locks
  none

Example
  mysql> CALL list_products(''open'', NULL, NULL)\\G
  *************************** 1. row ***************************
   product_id: 1
         name: Limited sneaker
        price: 12900
     currency: EUR
  stock_total: 100
    available: 100
            …
  mysql> CALL list_products(''over'', NULL, NULL);
  ERROR 31301 (45422): invalid_argument: sale must be upcoming, open, paused, sold_out, ended or NULL
'
BEGIN
  DECLARE v_after, v_limit BIGINT;
  DECLARE v_phase VARCHAR(8);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    IF in_sale NOT IN ('upcoming', 'open', 'paused', 'sold_out', 'ended') THEN
      CALL _raise('invalid_argument', 'sale must be upcoming, open, paused, sold_out, ended or NULL', NULL);
    END IF;
    CALL _require_number('after', COALESCE(in_after, 0), 0, 2147483647);
    CALL _require_number('limit', COALESCE(in_limit, 1), 1, 1000);
    COMMIT;
  END;

  SET v_after = COALESCE(in_after, 0), v_limit = COALESCE(in_limit, 1000);
  SET v_phase = IF(in_sale IN ('open', 'sold_out'), NULL, in_sale);
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  -- MySQL is told to go from product to product until the page is full: else it would count the units of all products, and sort them then.
  SELECT p.product_id, p.name, p.price_minor AS price, p.currency, p.stock_total, s.available, s.held, s.sold,
         p.max_per_hold, p.max_per_customer, p.max_unpaid_percent, p.pause_seconds, p.extension_seconds,
         p.hold_seconds, p.payment_seconds, p.stripes, p.sale_starts_at, p.sale_ends_at,
         p.stopped_at, p.paused_at, p.archived_at
    FROM products AS p FORCE INDEX (PRIMARY)
    STRAIGHT_JOIN live_stock AS s ON s.product_id = p.product_id
   WHERE p.product_id > v_after AND p.archived_at IS NULL AND (in_sale IS NULL OR (s.phase <=> v_phase AND s.sale = in_sale))
   ORDER BY p.product_id
   LIMIT v_limit;
  COMMIT;
END $$

DELIMITER ;
