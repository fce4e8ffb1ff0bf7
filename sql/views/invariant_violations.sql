DELIMITER $$

-- What must never be: a row for each violation. One statement, so one snapshot, so it is exact under load.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW invariant_violations AS
-- Every unit is free, held or sold, and nothing twice.
SELECT 'units_do_not_add_up' AS violation, u.product_id,
       CONCAT('stock_total ', u.stock_total, ', free ', u.free, ', held ', u.held, ', sold ', u.sold) AS detail
  FROM (SELECT p.product_id, p.stock_total,
               (SELECT COALESCE(SUM(s.available), 0) FROM stock_stripes AS s WHERE s.product_id = p.product_id) AS free,
               (SELECT COALESCE(SUM(h.qty), 0) FROM holds AS h WHERE h.product_id = p.product_id) AS held,
               (SELECT COALESCE(SUM(o.qty), 0) FROM orders AS o
                 WHERE o.product_id = p.product_id AND o.status IN ('pending', 'paid')) AS sold
          FROM products AS p) AS u
 WHERE u.stock_total <> u.free + u.held + u.sold
 UNION ALL
SELECT 'stock_negative', s.product_id, CONCAT('stripe ', s.stripe, ' has ', s.available)
  FROM stock_stripes AS s
 WHERE s.available < 0
 UNION ALL
SELECT 'stripes_missing', p.product_id, CONCAT(COUNT(s.stripe), ' of ', p.stripes, ' stripes')
  FROM products AS p
  LEFT JOIN stock_stripes AS s ON s.product_id = p.product_id AND s.stripe < p.stripes
 GROUP BY p.product_id, p.stripes
HAVING COUNT(s.stripe) <> p.stripes
 UNION ALL
SELECT 'adjustments_do_not_add_up', p.product_id, CONCAT('stock_total ', p.stock_total, ', adjustments ', COALESCE(SUM(a.delta), 0))
  FROM products AS p
  LEFT JOIN stock_adjustments AS a ON a.product_id = p.product_id
 GROUP BY p.product_id, p.stock_total
HAVING p.stock_total <> COALESCE(SUM(a.delta), 0)
 UNION ALL
-- A hold is live, or ended, or an order: one of them.
SELECT 'hold_live_and_ended', h.product_id, CONCAT('hold ', h.hold_uuid)
  FROM holds AS h
  JOIN hold_history AS e ON e.hold_id = h.hold_id
 UNION ALL
SELECT 'hold_live_and_ordered', h.product_id, CONCAT('hold ', h.hold_uuid)
  FROM holds AS h
  JOIN orders AS o ON o.order_id = h.hold_id
 UNION ALL
SELECT 'order_of_unordered_hold', o.product_id, CONCAT('order ', o.order_uuid, ', hold ', e.ended_as)
  FROM orders AS o
  JOIN hold_history AS e ON e.hold_id = o.order_id
 WHERE e.ended_as <> 'ordered'
 UNION ALL
SELECT 'ordered_hold_without_order', e.product_id, CONCAT('hold ', e.hold_uuid)
  FROM hold_history AS e
  LEFT JOIN orders AS o ON o.order_id = e.hold_id
 WHERE e.ended_as = 'ordered' AND o.order_id IS NULL
 UNION ALL
SELECT 'key_held_twice', h.product_id, CONCAT('holds ', h.hold_uuid, ' and ', e.hold_uuid)
  FROM holds AS h
  JOIN hold_history AS e ON e.idempotency_key = h.idempotency_key
 UNION ALL
-- A payment acts on its order, and a paid order was paid.
SELECT 'payment_parked_beside_order', o.product_id, CONCAT('order ', o.order_uuid, ', webhook ', w.webhook_id)
  FROM payment_webhooks AS w
  JOIN orders AS o ON o.order_id = w.order_id
 WHERE w.outcome = 'parked'
 UNION ALL
SELECT 'paid_without_payment', o.product_id, CONCAT('order ', o.order_uuid)
  FROM orders AS o
 WHERE o.status = 'paid'
   AND NOT EXISTS (SELECT 1
                     FROM payment_webhooks AS w
                    WHERE w.order_id = o.order_id AND w.payment_status = 'succeeded' AND w.outcome = 'applied')
 UNION ALL
SELECT 'refund_due_without_payment', o.product_id, CONCAT('order ', o.order_uuid)
  FROM orders AS o
 WHERE o.status = 'refund_due'
   AND NOT EXISTS (SELECT 1
                     FROM payment_webhooks AS w
                    WHERE w.order_id = o.order_id AND w.payment_status = 'succeeded' AND w.outcome = 'refund_due')
 UNION ALL
SELECT 'payment_parked_too_long', NULL, CONCAT('webhook ', w.webhook_id, ', ', w.payment_status, ', order ', w.order_id, ', since ', w.parked_at, ' UTC')
  FROM parked_too_long AS w
 UNION ALL
-- Where a customer has a limit, what counts towards it is what the customer has.
SELECT 'customer_units_differ', c.product_id,
       CONCAT('customer ', c.customer_id, ': ', SUM(c.units), ' too many counted, ', SUM(c.unpaid_units), ' too many as unpaid')
  FROM (SELECT product_id, customer_id, units, unpaid_units FROM customer_units
         UNION ALL
        SELECT h.product_id, h.customer_id, -h.qty, -h.qty FROM holds AS h JOIN products AS p ON p.product_id = h.product_id
         WHERE p.counts_customers
         UNION ALL
        SELECT o.product_id, o.customer_id, -o.qty, IF(o.status = 'pending', -o.qty, 0)
          FROM orders AS o JOIN products AS p ON p.product_id = o.product_id
         WHERE p.counts_customers AND o.status IN ('pending', 'paid')) AS c
 GROUP BY c.product_id, c.customer_id
HAVING SUM(c.units) <> 0 OR SUM(c.unpaid_units) <> 0
 UNION ALL
-- The housekeeping runs. (The rules do not depend on it.)
SELECT 'sweep_late', NULL, CONCAT('expired units have been waiting for ', l.lag_seconds, ' s; is the EVENT sweep_expired running?')
  FROM sweep_lag AS l
 WHERE l.lag_seconds > 60
 UNION ALL
SELECT 'sweep_stopped', NULL, CONCAT('the last sweep ran at ', MAX(b.started_at), ' UTC; is event_scheduler ON?')
  FROM sweep_heartbeat AS b
 WHERE b.started_at <= UTC_TIMESTAMP(6)
HAVING MAX(b.started_at) < UTC_TIMESTAMP(6) - INTERVAL 60 SECOND $$

DELIMITER ;
