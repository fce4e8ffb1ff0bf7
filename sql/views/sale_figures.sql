DELIMITER $$

-- The figures of sale_overview: a row for each product, and one for everything together. Orders and payments are counted in
-- one walk each: looked up for each product they would cost the product of both.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW sale_figures AS
WITH stock AS (
  SELECT p.product_id, p.name, p.stock_total, p.currency, p.sale_starts_at, p.sale_ends_at,
         (SELECT COALESCE(SUM(s.available), 0) FROM stock_stripes AS s WHERE s.product_id = p.product_id) AS free,
         h.live_holds, h.held, h.expired,
         COALESCE(o.pending, 0) AS pending, COALESCE(o.paid, 0) AS paid, COALESCE(o.cancelled, 0) AS cancelled,
         COALESCE(o.refund_due, 0) AS refund_due, COALESCE(o.refunded, 0) AS refunded,
         COALESCE(o.overdue, 0) AS overdue, COALESCE(o.takings, 0) AS takings
    FROM products AS p
    JOIN LATERAL (SELECT COALESCE(SUM(x.expires_at > UTC_TIMESTAMP(6)), 0) AS live_holds,
                         COALESCE(SUM(IF(x.expires_at > UTC_TIMESTAMP(6), x.qty, 0)), 0) AS held,
                         COALESCE(SUM(IF(x.expires_at > UTC_TIMESTAMP(6), 0, x.qty)), 0) AS expired
                    FROM holds AS x
                   WHERE x.product_id = p.product_id) AS h
    LEFT JOIN (SELECT x.product_id, SUM(x.status = 'pending') AS pending, SUM(x.status = 'paid') AS paid,
                      SUM(x.status = 'cancelled') AS cancelled, SUM(x.status = 'refund_due') AS refund_due,
                      SUM(x.status = 'refunded') AS refunded,
                      SUM(IF(x.status = 'pending' AND x.pay_by <= UTC_TIMESTAMP(6), x.qty, 0)) AS overdue,
                      SUM(IF(x.status = 'paid', x.amount_minor - x.refunded_minor, 0)) AS takings
                 FROM orders AS x
                GROUP BY x.product_id) AS o ON o.product_id = p.product_id),
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
SELECT s.product_id, s.name,
       CASE
         WHEN s.sale_starts_at > UTC_TIMESTAMP(6) THEN 'upcoming'
         WHEN s.sale_ends_at <= UTC_TIMESTAMP(6) THEN 'ended'
         WHEN s.free + s.expired + s.overdue = 0 THEN 'sold out'
         ELSE 'open'
       END AS sale,
       s.stock_total, s.free + s.expired + s.overdue AS available, s.held,
       s.stock_total - s.free - s.expired - s.overdue - s.held AS sold,
       s.live_holds, s.pending AS orders_pending, s.paid AS orders_paid, s.cancelled AS orders_cancelled,
       s.refund_due AS orders_refund_due, s.refunded AS orders_refunded, s.takings, s.currency,
       CAST(COALESCE(a.parked, 0) AS SIGNED) AS payments_parked, COALESCE(a.too_long, 0) AS parked_too_long,
       CAST(COALESCE(a.mismatched, 0) AS SIGNED) AS amount_mismatches, CAST(COALESCE(a.refunds_due, 0) AS SIGNED) AS refunds_due
  FROM stock AS s
  LEFT JOIN attention AS a ON a.product_id = s.product_id
 UNION ALL
SELECT NULL, NULL, NULL, COALESCE(SUM(s.stock_total), 0), COALESCE(SUM(s.free + s.expired + s.overdue), 0), COALESCE(SUM(s.held), 0),
       COALESCE(SUM(s.stock_total - s.free - s.expired - s.overdue - s.held), 0),
       COALESCE(SUM(s.live_holds), 0), COALESCE(SUM(s.pending), 0), COALESCE(SUM(s.paid), 0), COALESCE(SUM(s.cancelled), 0),
       COALESCE(SUM(s.refund_due), 0), COALESCE(SUM(s.refunded), 0),
       IF(COUNT(DISTINCT s.currency) = 1, SUM(s.takings), NULL), IF(COUNT(DISTINCT s.currency) = 1, MIN(s.currency), NULL),
       (SELECT CAST(COALESCE(SUM(a.parked), 0) AS SIGNED) FROM attention AS a),
       (SELECT CAST(COALESCE(SUM(a.too_long), 0) AS SIGNED) FROM attention AS a),
       (SELECT CAST(COALESCE(SUM(a.mismatched), 0) AS SIGNED) FROM attention AS a),
       (SELECT CAST(COALESCE(SUM(a.refunds_due), 0) AS SIGNED) FROM attention AS a)
  FROM stock AS s $$

DELIMITER ;
