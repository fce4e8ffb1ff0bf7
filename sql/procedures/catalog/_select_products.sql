DELIMITER $$

DROP PROCEDURE IF EXISTS _select_products $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _select_products (
  IN in_product_id INT UNSIGNED,
  IN in_replayed BOOLEAN
)
COMMENT '
Description
  Returns a product as the result set of its caller, its units as live_stock counts them. One statement, so one snapshot:
  available, held and sold belong together.

Result set
  as get_product documents it
'
BEGIN
  SELECT p.product_id, p.name, p.price_minor AS price, p.currency, p.stock_total, s.available, s.held, s.sold,
         p.max_per_hold, p.max_per_customer, p.max_unpaid_percent, p.pause_seconds, p.extension_seconds,
         p.hold_seconds, p.payment_seconds, p.stripes, p.sale_starts_at, p.sale_ends_at,
         p.stopped_at, p.paused_at, p.archived_at, in_replayed AS replayed
    FROM products AS p
    JOIN live_stock AS s ON s.product_id = p.product_id
   WHERE p.product_id = in_product_id;
END $$

DELIMITER ;
