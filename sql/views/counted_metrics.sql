DELIMITER $$

-- The numbers of the sale that only a walk over all of its history gives: paid and closed orders, settled payments, and what
-- must never be. Some ten seconds for a million orders, so they are asked for with pauses. A row a number.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW counted_metrics AS
WITH ended AS (
  SELECT 'paid' AS status UNION ALL SELECT 'cancelled' UNION ALL SELECT 'refunded'
),
settled AS (
  SELECT 'parked' AS outcome UNION ALL SELECT 'applied' UNION ALL SELECT 'ignored' UNION ALL SELECT 'amount_mismatch'
   UNION ALL SELECT 'refund_due'
),
states AS (
  SELECT 'open' AS state UNION ALL SELECT 'failed' UNION ALL SELECT 'paying' UNION ALL SELECT 'settled'
),
disputes AS (
  SELECT 'opened' AS state UNION ALL SELECT 'won' UNION ALL SELECT 'lost'
),
counted AS (
  SELECT w.state, w.dispute, COUNT(*) AS payments FROM payments AS w GROUP BY w.state, w.dispute
)
SELECT 'orders' AS metric, p.product_id, t.status AS state,
       (SELECT COUNT(*) FROM orders AS o WHERE o.product_id = p.product_id AND o.status = t.status) AS value
  FROM products AS p
  JOIN ended AS t
 UNION ALL
SELECT 'webhooks', NULL, t.outcome, (SELECT COUNT(*) FROM payment_webhooks AS w WHERE w.outcome = t.outcome)
  FROM settled AS t
 UNION ALL
SELECT 'payments', NULL, t.state, (SELECT COALESCE(SUM(c.payments), 0) FROM counted AS c WHERE c.state = t.state) FROM states AS t
 UNION ALL
SELECT 'disputes', NULL, t.state, (SELECT COALESCE(SUM(c.payments), 0) FROM counted AS c WHERE c.dispute = t.state) FROM disputes AS t
 UNION ALL
SELECT 'invariant_violations', NULL, NULL, COUNT(*) FROM invariant_violations $$

DELIMITER ;
