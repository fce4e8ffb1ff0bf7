DELIMITER $$

-- The figures of sale_overview: a row for each product, and one for everything together.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW sale_figures AS
WITH stock AS (
  SELECT l.product_id, l.name, l.sale, l.stock_total, l.available, l.held, l.sold, l.live_holds, l.orders_pending,
         t.paid, t.cancelled, l.orders_refund_due, t.refunded, t.takings, l.currency
    FROM live_stock AS l
    JOIN order_totals AS t ON t.product_id = l.product_id),
attention AS (
  SELECT COALESCE(o.product_id, h.product_id, e.product_id) AS product_id,
         SUM(w.outcome = 'parked') AS parked, COUNT(t.webhook_id) AS too_long,
         SUM(w.outcome = 'amount_mismatch') AS mismatched, SUM(w.outcome = 'refund_due') AS refunds_due
    FROM payment_webhooks AS w
    LEFT JOIN orders AS o ON o.order_id = w.order_id
    LEFT JOIN holds AS h ON h.hold_id = w.order_id
    LEFT JOIN hold_history AS e ON e.hold_id = w.order_id
    LEFT JOIN parked_too_long AS t ON t.webhook_id = w.webhook_id
   WHERE w.outcome IN ('parked', 'amount_mismatch', 'refund_due')
   GROUP BY COALESCE(o.product_id, h.product_id, e.product_id))
SELECT s.product_id, s.name, s.sale, s.stock_total, s.available, s.held, s.sold, s.live_holds, s.orders_pending,
       s.paid AS orders_paid, s.cancelled AS orders_cancelled, s.orders_refund_due, s.refunded AS orders_refunded, s.takings,
       s.currency,
       CAST(COALESCE(a.parked, 0) AS SIGNED) AS payments_parked, COALESCE(a.too_long, 0) AS parked_too_long,
       CAST(COALESCE(a.mismatched, 0) AS SIGNED) AS amount_mismatches, CAST(COALESCE(a.refunds_due, 0) AS SIGNED) AS refunds_due
  FROM stock AS s
  LEFT JOIN attention AS a ON a.product_id = s.product_id
 UNION ALL
SELECT NULL, NULL, NULL, COALESCE(SUM(s.stock_total), 0), COALESCE(SUM(s.available), 0), COALESCE(SUM(s.held), 0),
       COALESCE(SUM(s.sold), 0), COALESCE(SUM(s.live_holds), 0), COALESCE(SUM(s.orders_pending), 0), COALESCE(SUM(s.paid), 0),
       COALESCE(SUM(s.cancelled), 0), COALESCE(SUM(s.orders_refund_due), 0), COALESCE(SUM(s.refunded), 0),
       IF(COUNT(DISTINCT s.currency) = 1, SUM(s.takings), NULL), IF(COUNT(DISTINCT s.currency) = 1, MIN(s.currency), NULL),
       (SELECT CAST(COALESCE(SUM(a.parked), 0) AS SIGNED) FROM attention AS a),
       (SELECT CAST(COALESCE(SUM(a.too_long), 0) AS SIGNED) FROM attention AS a),
       (SELECT CAST(COALESCE(SUM(a.mismatched), 0) AS SIGNED) FROM attention AS a),
       (SELECT CAST(COALESCE(SUM(a.refunds_due), 0) AS SIGNED) FROM attention AS a)
  FROM stock AS s $$

DELIMITER ;
