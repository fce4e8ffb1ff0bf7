DELIMITER $$

-- A row for each product: how its sale and its units stand now. What has run out counts as available, swept or not; what is neither free nor
-- held is sold, so no order has to be counted. The one home of that rule.
-- Buyers ask it for one product again and again (ADR 15): MySQL merges it into the statement that reads it, and one row of subqueries costs
-- half of as many derived tables. What has run out lies at the beginning of an index and is mostly nothing: so it is added up
-- only where the first of the index has run out. Then a range of the index is read, which MySQL plans for each product; for
-- product_id = … it would walk over all that are live.
-- `sale` is the state of the sale: its phase, and where it has none, its units decide. A statement that looks for one state
-- compares `phase` as well: then the holds of products in another phase are not counted.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW live_stock AS
SELECT c.product_id, c.clock, c.phase,
       COALESCE(c.phase, IF(u.free + u.expired + u.overdue = 0, 'sold_out', 'open')) AS sale,
       CAST(u.free + u.expired + u.overdue AS SIGNED) AS available,
       CAST(u.held - u.expired AS SIGNED) AS held,
       CAST(c.stock_total - u.free - u.held - u.overdue AS SIGNED) AS sold
  FROM product_clocks AS c
  JOIN LATERAL (
    SELECT (SELECT COALESCE(SUM(s.available), 0) FROM stock_stripes AS s WHERE s.product_id = c.product_id) AS free,
           (SELECT COALESCE(SUM(h.qty), 0)
              FROM holds AS h FORCE INDEX (ix_holds_product_id_expires_at)
             WHERE h.product_id = c.product_id) AS held,
           IF((SELECT h.expires_at
                 FROM holds AS h FORCE INDEX (ix_holds_product_id_expires_at)
                WHERE h.product_id = c.product_id
                ORDER BY h.product_id, h.expires_at
                LIMIT 1) <= c.clock,
              (SELECT SUM(h.qty)
                 FROM products AS k
                 STRAIGHT_JOIN holds AS h FORCE INDEX (ix_holds_product_id_expires_at)
                WHERE k.product_id = c.product_id AND h.product_id >= k.product_id AND h.product_id <= k.product_id
                  AND h.expires_at <= UTC_TIMESTAMP(6) AND h.expires_at <= c.clock),
              0) AS expired,
           IF((SELECT o.pay_by
                 FROM orders AS o FORCE INDEX (ix_orders_product_id_status_pay_by)
                WHERE o.product_id = c.product_id AND o.status = 'pending'
                ORDER BY o.product_id, o.status, o.pay_by
                LIMIT 1) <= c.clock,
              (SELECT SUM(o.qty)
                 FROM products AS k
                 STRAIGHT_JOIN orders AS o FORCE INDEX (ix_orders_product_id_status_pay_by)
                WHERE k.product_id = c.product_id AND o.product_id >= k.product_id AND o.product_id <= k.product_id
                  AND o.status = 'pending' AND o.pay_by <= UTC_TIMESTAMP(6) AND o.pay_by <= c.clock),
              0) AS overdue) AS u $$

DELIMITER ;
