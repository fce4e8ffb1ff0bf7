DELIMITER $$

-- The numbers of the sale that are cheap whatever has happened so far: each reads free units, what is held, what is unpaid or
-- what waits for somebody, through an index, and nothing that only grows. A row a number. The stock is counted once, for all its
-- states: without its LIMIT MySQL would merge it into each of them, and count five times.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW live_metrics AS
WITH stock AS (
  SELECT l.product_id, l.available, l.held, l.sold, l.live_holds, l.orders_pending, l.orders_overdue, l.paused_at
    FROM live_stock AS l
   LIMIT 1000000
),
reasons AS (
  SELECT 'missing_signature' AS reason UNION ALL SELECT 'invalid_signature' UNION ALL SELECT 'stale_timestamp'
)
SELECT 'stock_units' AS metric, s.product_id, 'available' AS state, s.available AS value FROM stock AS s
 UNION ALL
SELECT 'stock_units', s.product_id, 'held', s.held FROM stock AS s
 UNION ALL
SELECT 'stock_units', s.product_id, 'sold', s.sold FROM stock AS s
 UNION ALL
SELECT 'holds', s.product_id, NULL, s.live_holds FROM stock AS s
 UNION ALL
SELECT 'orders', s.product_id, 'pending', s.orders_pending FROM stock AS s
 UNION ALL
SELECT 'orders_overdue', s.product_id, NULL, s.orders_overdue FROM stock AS s
 UNION ALL
SELECT 'sale_paused', s.product_id, NULL, s.paused_at IS NOT NULL FROM stock AS s
 UNION ALL
SELECT 'payments', NULL, 'waiting', (SELECT COUNT(*) FROM payments AS w WHERE w.follow_up = 'order')
 UNION ALL
SELECT 'payments', NULL, 'due', (SELECT COUNT(*) FROM money_owed)
 UNION ALL
SELECT 'money_due', NULL, COALESCE(d.currency, 'unknown'), COALESCE(SUM(d.amount_due), 0)
  FROM money_owed AS d
 GROUP BY d.currency
 UNION ALL
SELECT 'oldest_payment_due_seconds', NULL, NULL, COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, d.received_at, UTC_TIMESTAMP(6))), 0) / 1000000
  FROM money_owed AS d
 UNION ALL
SELECT 'oldest_payment_waiting_seconds', NULL, NULL,
       COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, w.received_at, UTC_TIMESTAMP(6))), 0) / 1000000
  FROM payments AS w
 WHERE w.follow_up = 'order'
 UNION ALL
SELECT 'webhooks_refused', NULL, t.reason, COALESCE(SUM(r.refusals), 0)
  FROM reasons AS t
  LEFT JOIN webhook_refusals AS r ON r.reason = t.reason
 GROUP BY t.reason
 UNION ALL
SELECT 'notifications', NULL, 'pending', COUNT(*) FROM notifications AS n WHERE n.state = 'pending'
 UNION ALL
SELECT 'notifications', NULL, 'failed', COUNT(*) FROM notifications AS n WHERE n.state = 'failed'
 UNION ALL
SELECT 'oldest_notification_seconds', NULL, NULL,
       COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, n.created_at, UTC_TIMESTAMP(6))), 0) / 1000000
  FROM (SELECT MIN(o.notification_id) AS id FROM notifications AS o WHERE o.state = 'pending') AS oldest
  JOIN notifications AS n ON n.notification_id = oldest.id
 UNION ALL
SELECT 'sweep_lag_seconds', NULL, NULL, l.lag_seconds FROM sweep_lag AS l
 UNION ALL
SELECT 'sweep_age_seconds', NULL, NULL, TIMESTAMPDIFF(MICROSECOND, MAX(b.started_at), UTC_TIMESTAMP(6)) / 1000000
  FROM sweep_heartbeat AS b
 WHERE b.started_at <= UTC_TIMESTAMP(6)
HAVING MAX(b.started_at) IS NOT NULL $$

DELIMITER ;
