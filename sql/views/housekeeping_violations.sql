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
SELECT 'sweep_late', NULL, CONCAT('expired units have been waiting for ', l.lag_seconds, ' s; is the EVENT sweep_expired running?')
  FROM sweep_lag AS l
 WHERE l.lag_seconds > 60
 UNION ALL
SELECT 'sweep_never_ran', NULL, CONCAT('the first product is of ', MIN(p.created_at), ' UTC; is event_scheduler ON?')
  FROM products AS p
 WHERE NOT EXISTS (SELECT 1 FROM sweep_heartbeat)
HAVING MIN(p.created_at) < UTC_TIMESTAMP(6) - INTERVAL 60 SECOND
 UNION ALL
SELECT 'sweep_stopped', NULL, CONCAT('the last sweep ran at ', MAX(b.started_at), ' UTC; is event_scheduler ON?')
  FROM sweep_heartbeat AS b
 WHERE b.started_at <= UTC_TIMESTAMP(6)
HAVING MAX(b.started_at) < UTC_TIMESTAMP(6) - INTERVAL 60 SECOND $$

DELIMITER ;
