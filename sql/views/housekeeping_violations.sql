DELIMITER $$

-- The rules of payments are as deployed, and the housekeeping runs: a row for each violation, for invariant_violations.
-- (The rules of the sale do not depend on the sweep.)
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW housekeeping_violations AS
SELECT 'rules_changed' AS violation, CAST(NULL AS UNSIGNED) AS product_id,
       CONCAT(COUNT(*), ' rows of payment_rules; run the migration') AS detail
  FROM payment_rules AS r
HAVING COUNT(*) <> 38
    OR SUM(CRC32(CONCAT_WS('|', r.order_state, r.payment, r.payment_becomes, r.outcome, COALESCE(r.order_becomes, '-'), r.units,
                           COALESCE(r.reason, '-')))) <> 100205152074
 UNION ALL
SELECT 'sweep_late', NULL, CONCAT('expired units have been waiting for ', s.lag_seconds, ' s; is the EVENT sweep_expired running?')
  FROM sweep_health AS s
 WHERE s.is_late
 UNION ALL
SELECT 'sweep_never_ran', NULL, CONCAT('the first product is of ', p.created_at, ' UTC; is event_scheduler ON?')
  FROM (SELECT MIN(created_at) AS created_at FROM products) AS p
  JOIN sweep_health AS s ON p.created_at < UTC_TIMESTAMP(6) - INTERVAL s.late_seconds SECOND
 WHERE NOT EXISTS (SELECT 1 FROM sweep_heartbeat)
 UNION ALL
SELECT 'sweep_stopped', NULL, CONCAT('the last sweep ran at ', s.last_sweep_at, ' UTC; is event_scheduler ON?')
  FROM sweep_health AS s
 WHERE s.has_stopped $$

DELIMITER ;
