DELIMITER $$

-- A row for each product that is not archived: what has become of its orders, and the money. It walks over all orders once, so its cost grows with them;
-- looked up product by product it would cost the product of both.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW order_totals AS
WITH ended AS (
  SELECT o.product_id, SUM(o.status = 'paid') AS paid, SUM(o.status = 'cancelled') AS cancelled,
         SUM(o.status = 'cancelled'
             AND o.closed_reason IN (SELECT r.reason FROM payment_rules AS r WHERE r.order_becomes = 'cancelled')) AS failed,
         SUM(o.status = 'refunded') AS refunded, SUM(o.fulfilled_at IS NOT NULL) AS fulfilled,
         SUM(IF(o.status = 'paid', o.amount_minor - COALESCE(w.refunded_minor, 0), 0)) AS takings,
         SUM(COALESCE(w.refunded_minor, 0)) AS given_back
    FROM orders AS o
    LEFT JOIN payments AS w ON w.payment_id = o.payment_id
   GROUP BY o.product_id)
SELECT p.product_id, p.currency, COALESCE(e.paid, 0) AS paid, COALESCE(e.cancelled, 0) AS cancelled,
       COALESCE(e.failed, 0) AS failed, COALESCE(e.refunded, 0) AS refunded, COALESCE(e.fulfilled, 0) AS fulfilled, COALESCE(e.takings, 0) AS takings,
       COALESCE(e.given_back, 0) AS given_back
  FROM products AS p
  LEFT JOIN ended AS e ON e.product_id = p.product_id
 WHERE p.archived_at IS NULL $$

DELIMITER ;
