DELIMITER $$

-- The numbers of the sale that only a walk over all of its history gives: paid and closed orders, settled payments, and what
-- must never be. Some ten seconds for a million orders, so whoever scrapes them does it with pauses. A row a number.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW counted_metrics AS
WITH ended AS (
  SELECT 'paid' AS status UNION ALL SELECT 'cancelled' UNION ALL SELECT 'refunded'
),
settled AS (
  SELECT 'parked' AS outcome UNION ALL SELECT 'applied' UNION ALL SELECT 'ignored' UNION ALL SELECT 'amount_mismatch'
   UNION ALL SELECT 'refund_due'
)
SELECT 'orders' AS metric, p.product_id, t.status AS state,
       (SELECT COUNT(*) FROM orders AS o WHERE o.product_id = p.product_id AND o.status = t.status) AS value
  FROM products AS p
  JOIN ended AS t
 UNION ALL
SELECT 'webhooks', NULL, t.outcome, (SELECT COUNT(*) FROM payment_webhooks AS w WHERE w.outcome = t.outcome)
  FROM settled AS t
 UNION ALL
SELECT 'payments', NULL, w.state, COUNT(*) FROM payments AS w WHERE w.state NOT IN ('waiting', 'due') GROUP BY w.state
 UNION ALL
SELECT 'disputes', NULL, w.dispute, COUNT(*) FROM payments AS w WHERE w.dispute IS NOT NULL GROUP BY w.dispute
 UNION ALL
SELECT 'invariant_violations', NULL, NULL, COUNT(*) FROM invariant_violations $$

DELIMITER ;
