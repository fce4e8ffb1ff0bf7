DELIMITER $$

-- A row for each product: how its sale and its units stand now, and the holds and orders that are still open. Whatever has
-- happened so far, it is cheap: it reads free units, what is held and what is unpaid, each through an index that covers it.
-- Every live hold is compared with the clock, so its times are made once a product; LIMIT keeps MySQL from making them again for each.
-- COUNT counts in whole numbers, SUM in decimals, and a quarter slower.
-- Products that were archived are left out.
-- `sale` is the state of the sale: its phase, and where it has none, its units decide. A statement that looks for one state
-- compares `phase` as well: then the holds of products in another phase are not counted.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW live_stock AS
WITH clock AS (
  SELECT c.product_id, c.clock AS now, c.clock + INTERVAL 10 SECOND AS in_10_s, c.clock + INTERVAL 30 SECOND AS in_30_s,
         c.phase
    FROM product_clocks AS c
   LIMIT 1000000)
SELECT p.product_id, p.name, p.currency,
       COALESCE(clock.phase, IF(free.units + held.expired_units + unpaid.overdue_units = 0, 'sold_out', 'open')) AS sale, clock.phase,
       p.stock_total,
       free.units + held.expired_units + unpaid.overdue_units AS available,
       held.units - held.expired_units AS held,
       p.stock_total - free.units - held.units - unpaid.overdue_units AS sold,
       held.holds - held.expired AS live_holds,
       held.ended_in_10_s - held.expired AS expiring_within_10_s, held.ended_in_30_s - held.expired AS expiring_within_30_s,
       unpaid.orders AS orders_pending, unpaid.overdue AS orders_overdue,
       p.sale_starts_at, p.sale_ends_at, p.stopped_at, p.paused_at
  FROM products AS p
  JOIN clock ON clock.product_id = p.product_id
  JOIN LATERAL (SELECT CAST(COALESCE(SUM(s.available), 0) AS SIGNED) AS units
                  FROM stock_stripes AS s
                 WHERE s.product_id = p.product_id) AS free
  JOIN LATERAL (SELECT COUNT(*) AS holds,
                       CAST(COALESCE(SUM(h.qty), 0) AS SIGNED) AS units,
                       CAST(COALESCE(SUM(IF(h.expires_at <= clock.now, h.qty, NULL)), 0) AS SIGNED) AS expired_units,
                       COUNT(IF(h.expires_at <= clock.now, 1, NULL)) AS expired,
                       COUNT(IF(h.expires_at <= clock.in_10_s, 1, NULL)) AS ended_in_10_s,
                       COUNT(IF(h.expires_at <= clock.in_30_s, 1, NULL)) AS ended_in_30_s
                  FROM holds AS h FORCE INDEX (ix_holds_product_id_expires_at)
                 WHERE h.product_id = p.product_id) AS held
  JOIN LATERAL (SELECT COUNT(*) AS orders,
                       CAST(COALESCE(SUM(o.pay_by <= clock.now), 0) AS SIGNED) AS overdue,
                       CAST(COALESCE(SUM(IF(o.pay_by <= clock.now, o.qty, 0)), 0) AS SIGNED) AS overdue_units
                  FROM orders AS o FORCE INDEX (ix_orders_product_id_status_pay_by)
                 WHERE o.product_id = p.product_id AND o.status = 'pending') AS unpaid
 WHERE p.archived_at IS NULL $$

DELIMITER ;
