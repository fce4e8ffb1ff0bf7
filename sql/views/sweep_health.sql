DELIMITER $$

-- One row: whether the sweep keeps up. lag_seconds is for how long the oldest expired hold, overdue order, paid hold that nobody ordered
-- or payment without an order has been waiting for the sweep; 0 when none is; is_late when that is more than late_seconds,
-- many runs of an EVENT that runs every second: the one home of how late is late.
-- What does not run out while its sale is paused does not wait.
-- last_sweep_at is NULL when there was none. What is in the future was left by a session that travels in time.
-- The first of an index: for a MIN that depends on another row, and for an ORDER BY of less than the whole index, MySQL walks over all
-- that are live.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW sweep_health AS
WITH due AS (
  SELECT p.clock, (SELECT h.expires_at FROM holds AS h FORCE INDEX (ix_holds_product_id_expires_at) WHERE h.product_id = p.product_id
                    ORDER BY h.product_id, h.expires_at LIMIT 1) AS due_at
    FROM product_clocks AS p
   UNION ALL
  SELECT p.clock, (SELECT o.pay_by FROM orders AS o FORCE INDEX (ix_orders_product_id_status_pay_by)
                    WHERE o.product_id = p.product_id AND o.status = 'pending'
                    ORDER BY o.product_id, o.status, o.pay_by LIMIT 1) AS due_at
    FROM product_clocks AS p
   UNION ALL
  SELECT COALESCE(c.clock, UTC_TIMESTAMP(6)) AS clock,
         COALESCE(h.order_at, IF(h.hold_id IS NULL, GREATEST(w.waits_until, COALESCE(e.ended_at, w.received_at)), NULL)) AS due_at
    FROM payment_deadlines AS w
    LEFT JOIN holds AS h ON h.hold_id = w.order_id
    LEFT JOIN product_clocks AS c ON c.product_id = h.product_id
    LEFT JOIN hold_history AS e ON e.hold_id = w.order_id
   WHERE w.follow_up = 'order'),
oldest AS (
  SELECT COALESCE(MAX(IF(d.due_at <= d.clock, TIMESTAMPDIFF(MICROSECOND, d.due_at, UTC_TIMESTAMP(6)), 0)), 0) / 1000000 AS lag_seconds
    FROM due AS d),
runs AS (SELECT MAX(b.started_at) AS last_sweep_at FROM sweep_heartbeat AS b WHERE b.started_at <= UTC_TIMESTAMP(6)),
limits AS (SELECT 60 AS late_seconds)
SELECT c.late_seconds, l.lag_seconds, l.lag_seconds > c.late_seconds AS is_late, r.last_sweep_at,
       r.last_sweep_at < UTC_TIMESTAMP(6) - INTERVAL c.late_seconds SECOND AS has_stopped
  FROM limits AS c
  CROSS JOIN oldest AS l
  CROSS JOIN runs AS r $$

DELIMITER ;
