DELIMITER $$

-- One row: for how many seconds the oldest expired hold or overdue order has been waiting for the sweep; 0 when none is.
-- The first of an index by ORDER BY and LIMIT: for a MIN that depends on another row MySQL walks over all that are live.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW sweep_lag AS
SELECT GREATEST(COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, due.due_at, UTC_TIMESTAMP(6))), 0), 0) / 1000000 AS lag_seconds
  FROM (SELECT (SELECT h.expires_at FROM holds AS h WHERE h.product_id = p.product_id ORDER BY h.expires_at LIMIT 1) AS due_at
          FROM products AS p
         UNION ALL
        SELECT (SELECT o.pay_by FROM orders AS o WHERE o.product_id = p.product_id AND o.status = 'pending'
                 ORDER BY o.pay_by LIMIT 1) AS due_at
          FROM products AS p) AS due $$

DELIMITER ;
