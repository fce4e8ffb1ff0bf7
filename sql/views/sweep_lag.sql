DELIMITER $$

-- One row: for how many seconds the oldest expired hold or overdue order has been waiting for the sweep; 0 when none is.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW sweep_lag AS
SELECT GREATEST(COALESCE(MAX(TIMESTAMPDIFF(MICROSECOND, due.due_at, UTC_TIMESTAMP(6))), 0), 0) / 1000000 AS lag_seconds
  FROM (SELECT (SELECT MIN(h.expires_at) FROM holds AS h WHERE h.product_id = p.product_id) AS due_at
          FROM products AS p
         UNION ALL
        SELECT (SELECT MIN(o.pay_by) FROM orders AS o WHERE o.product_id = p.product_id AND o.status = 'pending')
          FROM products AS p) AS due $$

DELIMITER ;
