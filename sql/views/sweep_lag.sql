DELIMITER $$

-- One row: for how many seconds the oldest expired hold, overdue order, paid hold that nobody ordered or payment
-- without an order has been waiting for the sweep; 0 when none is. What does not run out while its sale is paused does not wait.
-- The first of an index: for a MIN that depends on another row, and for an ORDER BY of less than the whole index, MySQL walks over all
-- that are live.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW sweep_lag AS
SELECT COALESCE(MAX(IF(due.due_at <= due.clock, TIMESTAMPDIFF(MICROSECOND, due.due_at, UTC_TIMESTAMP(6)), 0)), 0) / 1000000 AS lag_seconds
  FROM (SELECT p.clock, (SELECT h.expires_at FROM holds AS h FORCE INDEX (ix_holds_product_id_expires_at) WHERE h.product_id = p.product_id
                          ORDER BY h.product_id, h.expires_at LIMIT 1) AS due_at
          FROM product_clocks AS p
         UNION ALL
        SELECT p.clock, (SELECT o.pay_by FROM orders AS o FORCE INDEX (ix_orders_product_id_status_pay_by) WHERE o.product_id = p.product_id AND o.status = 'pending'
                          ORDER BY o.product_id, o.status, o.pay_by LIMIT 1) AS due_at
          FROM product_clocks AS p
         UNION ALL
        SELECT COALESCE(c.clock, UTC_TIMESTAMP(6)), COALESCE(h.order_at, IF(h.hold_id IS NULL, GREATEST(w.received_at + INTERVAL 15 MINUTE, COALESCE(e.ended_at, w.received_at)), NULL))
               AS due_at
          FROM payments AS w
          LEFT JOIN holds AS h ON h.hold_id = w.order_id
          LEFT JOIN product_clocks AS c ON c.product_id = h.product_id
          LEFT JOIN hold_history AS e ON e.hold_id = w.order_id
         WHERE w.follow_up = 'order') AS due $$

DELIMITER ;
