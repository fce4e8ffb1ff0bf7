DELIMITER $$

-- A row for each product that is not archived: what has become of its orders, and the money. It walks over all orders once, and over all payments for
-- the few refunds, so its cost grows with them. Looked up product by product it would cost the product of both; so would, nearly, an
-- index that has the orders product by product, for each is then fetched from another page.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW order_totals AS
WITH ended AS (
  SELECT o.product_id, SUM(o.status = 'paid') AS paid, SUM(o.status = 'cancelled') AS cancelled,
         SUM(o.status = 'cancelled'
             AND o.closed_reason IN (SELECT r.reason FROM payment_rules AS r WHERE r.order_becomes = 'cancelled')) AS failed,
         SUM(o.status = 'refunded') AS refunded, SUM(o.fulfilled_at IS NOT NULL) AS fulfilled,
         SUM(IF(o.status = 'paid', o.amount_minor, 0)) AS paid_minor
    FROM orders AS o IGNORE INDEX FOR GROUP BY (ix_orders_product_id_status_pay_by)
   GROUP BY o.product_id),
refunds AS (
  SELECT o.product_id, SUM(IF(o.status = 'paid', w.refunded_minor, 0)) AS of_paid_minor, SUM(w.refunded_minor) AS given_back_minor
    FROM payments AS w
    JOIN orders AS o ON o.order_id = w.order_id AND o.payment_id = w.payment_id
   WHERE w.refund_told_minor > 0
   GROUP BY o.product_id)
SELECT p.product_id, p.currency, COALESCE(e.paid, 0) AS paid, COALESCE(e.cancelled, 0) AS cancelled,
       COALESCE(e.failed, 0) AS failed, COALESCE(e.refunded, 0) AS refunded, COALESCE(e.fulfilled, 0) AS fulfilled,
       COALESCE(e.paid_minor, 0) - COALESCE(r.of_paid_minor, 0) AS takings,
       COALESCE(r.given_back_minor, 0) AS given_back
  FROM products AS p
  LEFT JOIN ended AS e ON e.product_id = p.product_id
  LEFT JOIN refunds AS r ON r.product_id = p.product_id
 WHERE p.archived_at IS NULL $$

DELIMITER ;
