DELIMITER $$

-- One row: whether the sweep keeps up, and the one place that says how late is late. late_seconds are many runs of an EVENT that
-- runs every second; last_sweep_at is NULL when there was none. What is in the future was left by a session that travels in time.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW sweep_health AS
WITH bound AS (SELECT 60 AS late_seconds),
runs AS (SELECT MAX(started_at) AS last_sweep_at FROM sweep_heartbeat WHERE started_at <= UTC_TIMESTAMP(6))
SELECT c.late_seconds, l.lag_seconds, l.lag_seconds > c.late_seconds AS is_late, b.last_sweep_at,
       b.last_sweep_at < UTC_TIMESTAMP(6) - INTERVAL c.late_seconds SECOND AS has_stopped
  FROM bound AS c
  CROSS JOIN sweep_lag AS l
  CROSS JOIN runs AS b $$

DELIMITER ;
