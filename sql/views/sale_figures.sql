DELIMITER $$

-- The figures of sale_overview: a row for each product, and one for everything together.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW sale_figures AS
WITH stock AS (
  SELECT l.product_id, l.name, l.sale, l.stock_total, l.available, l.held, l.sold, l.live_holds, l.orders_pending,
         t.paid, t.cancelled, t.refunded, t.fulfilled, t.takings, l.currency
    FROM live_stock AS l
    JOIN order_totals AS t ON t.product_id = l.product_id),
waiting AS (
  SELECT COALESCE(o.product_id, h.product_id, e.product_id) AS product_id, SUM(w.follow_up = 'order') AS waiting,
         COUNT(d.payment_id) AS due, SUM(d.amount_due) AS money, COUNT(DISTINCT d.currency) AS currencies
    FROM payments AS w
    LEFT JOIN money_owed AS d ON d.payment_id = w.payment_id
    LEFT JOIN orders AS o ON o.order_id = w.order_id
    LEFT JOIN holds AS h ON h.hold_id = w.order_id
    LEFT JOIN hold_history AS e ON e.hold_id = w.order_id
   WHERE w.follow_up IN ('order', 'refund')
   GROUP BY COALESCE(o.product_id, h.product_id, e.product_id))
SELECT s.product_id, s.name, s.sale, s.stock_total, s.available, s.held, s.sold, s.live_holds, s.orders_pending,
       s.paid AS orders_paid, s.fulfilled AS orders_fulfilled, s.cancelled AS orders_cancelled, s.refunded AS orders_refunded, s.takings,
       s.currency, CAST(COALESCE(a.waiting, 0) AS SIGNED) AS payments_waiting, CAST(COALESCE(a.due, 0) AS SIGNED) AS payments_due,
       IF(COALESCE(a.currencies, 0) <= 1, CAST(COALESCE(a.money, 0) AS SIGNED), NULL) AS money_due
  FROM stock AS s
  LEFT JOIN waiting AS a ON a.product_id = s.product_id
 UNION ALL
SELECT NULL, NULL, NULL, COALESCE(SUM(s.stock_total), 0), COALESCE(SUM(s.available), 0), COALESCE(SUM(s.held), 0),
       COALESCE(SUM(s.sold), 0), COALESCE(SUM(s.live_holds), 0), COALESCE(SUM(s.orders_pending), 0), COALESCE(SUM(s.paid), 0),
       COALESCE(SUM(s.fulfilled), 0), COALESCE(SUM(s.cancelled), 0), COALESCE(SUM(s.refunded), 0),
       IF(COUNT(DISTINCT s.currency) = 1, SUM(s.takings), NULL), IF(COUNT(DISTINCT s.currency) = 1, MIN(s.currency), NULL),
       (SELECT a.payments_waiting FROM attention AS a), (SELECT a.payments_due FROM attention AS a), (SELECT a.money_due FROM attention AS a)
  FROM stock AS s $$

DELIMITER ;
