DELIMITER $$

-- What must never be: a row for each violation. One statement, so one snapshot, so it is exact under load.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW invariant_violations AS
-- Every unit is free, held or sold, and nothing twice. What was handed over stays sold, refunded or not.
SELECT 'units_do_not_add_up' AS violation, u.product_id,
       CONCAT('stock_total ', u.stock_total, ', free ', u.free, ', held ', u.held, ', sold ', u.sold) AS detail
  FROM (SELECT p.product_id, p.stock_total,
               (SELECT COALESCE(SUM(s.available), 0) FROM stock_stripes AS s WHERE s.product_id = p.product_id) AS free,
               (SELECT COALESCE(SUM(h.qty), 0) FROM holds AS h WHERE h.product_id = p.product_id) AS held,
               (SELECT COALESCE(SUM(o.qty), 0) FROM orders AS o
                 WHERE o.product_id = p.product_id
                   AND (o.status IN ('pending', 'paid') OR o.fulfilled_at IS NOT NULL)) AS sold
          FROM products AS p) AS u
 WHERE u.stock_total <> u.free + u.held + u.sold
 UNION ALL
SELECT 'stock_negative', s.product_id, CONCAT('stripe ', s.stripe, ' has ', s.available)
  FROM stock_stripes AS s
 WHERE s.available < 0
 UNION ALL
SELECT 'stripes_differ', p.product_id, CONCAT(COUNT(s.stripe), ' stripes up to ', MAX(s.stripe), ' where there should be ', p.stripes)
  FROM products AS p
  LEFT JOIN stock_stripes AS s ON s.product_id = p.product_id
 GROUP BY p.product_id, p.stripes
HAVING COUNT(s.stripe) <> p.stripes OR MAX(s.stripe) <> p.stripes - 1
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
SELECT 'key_held_twice', MIN(e.product_id), CONCAT('holds ', MIN(e.hold_uuid), ' and ', MAX(e.hold_uuid))
  FROM hold_history AS e
 WHERE e.idempotency_key IS NOT NULL
 GROUP BY e.idempotency_key
HAVING COUNT(*) > 1
 UNION ALL
-- A hold ends at its time, not before, and not long after; an order is what its hold was.
SELECT 'hold_expired_early', e.product_id, CONCAT('hold ', e.hold_uuid, ' until ', e.expires_at, ' UTC')
  FROM hold_history AS e
 WHERE e.ended_as = 'expired' AND e.ended_at < e.expires_at
 UNION ALL
SELECT 'hold_used_late', e.product_id, CONCAT('hold ', e.hold_uuid, ' ', e.ended_as, ' at ', e.ended_at, ' UTC')
  FROM hold_history AS e
 WHERE e.ended_as IN ('ordered', 'released') AND e.ended_at > e.expires_at + INTERVAL 1 SECOND
   AND NOT EXISTS (SELECT 1 FROM payments AS w WHERE w.order_id = e.hold_id)
 UNION ALL
SELECT 'order_without_hold', o.product_id, CONCAT('order ', o.order_uuid)
  FROM orders AS o
  LEFT JOIN hold_history AS e ON e.hold_id = o.order_id
 WHERE e.hold_id IS NULL
 UNION ALL
SELECT 'order_unlike_hold', o.product_id, CONCAT('order ', o.order_uuid)
  FROM orders AS o
  JOIN products AS p ON p.product_id = o.product_id
  JOIN hold_history AS e ON e.hold_id = o.order_id
 WHERE NOT (o.product_id = e.product_id AND o.qty = e.qty AND o.customer_id <=> e.customer_id
            AND o.unit_price_minor = e.unit_price_minor AND o.currency = p.currency
            AND ABS(TIMESTAMPDIFF(SECOND, o.created_at, e.ended_at)) <= 60)
 UNION ALL
SELECT 'hold_not_prolonged', h.product_id, CONCAT('hold ', h.hold_uuid, ' is ', IF(h.order_at IS NULL, 'paid', 'prolonged without a payment'))
  FROM holds AS h
  JOIN products AS p ON p.product_id = h.product_id
  LEFT JOIN payments AS w ON w.order_id = h.hold_id AND w.state = 'waiting' AND w.amount_minor = h.qty * h.unit_price_minor
                             AND w.currency = p.currency AND w.returning_minor < w.amount_minor
 GROUP BY h.hold_id, h.product_id, h.order_at, h.expires_at, h.hold_uuid
HAVING (h.order_at IS NULL AND h.expires_at > MIN(w.received_at)) OR (h.order_at IS NOT NULL AND COUNT(w.payment_id) = 0)
 UNION ALL
-- Money: what came in pays its order, is due, went back, or waits; nothing else, and nothing twice.
SELECT 'money_does_not_add_up', NULL,
       CONCAT('payment ', m.payment_id, ': ', m.amount_minor, ' came in; pays ', m.pays, ', due ', m.due, ', back ', m.back, ', waits ', m.waits)
  FROM (SELECT w.payment_id, w.amount_minor, w.refunded_minor AS back, COALESCE(d.amount_due, 0) AS due,
               COALESCE(o.amount_minor - w.returning_minor, 0) AS pays,
               IF(w.state = 'waiting', w.amount_minor - w.refunded_minor, 0) AS waits
          FROM payments AS w
          LEFT JOIN orders AS o ON o.payment_id = w.payment_id AND o.order_id = w.order_id AND o.status = 'paid'
          LEFT JOIN money_owed AS d ON d.payment_id = w.payment_id
         WHERE w.amount_minor IS NOT NULL) AS m
 WHERE m.amount_minor <> m.pays + m.due + m.back + m.waits
 UNION ALL
SELECT 'paid_without_payment', o.product_id, CONCAT('order ', o.order_uuid, ', payment ', COALESCE(o.payment_id, 'none'))
  FROM orders AS o
  LEFT JOIN payments AS w ON w.payment_id = o.payment_id AND w.order_id = o.order_id AND w.state = 'paying'
                             AND w.amount_minor = o.amount_minor AND w.currency = o.currency
 WHERE o.status = 'paid' AND o.amount_minor > 0 AND w.payment_id IS NULL
 UNION ALL
SELECT 'refunded_without_refund', o.product_id, CONCAT('order ', o.order_uuid, ', payment ', COALESCE(o.payment_id, 'none'))
  FROM orders AS o
  LEFT JOIN payments AS w ON w.payment_id = o.payment_id AND w.order_id = o.order_id AND w.state IN ('due', 'settled')
                             AND w.amount_minor = o.amount_minor AND w.returning_minor = w.amount_minor
 WHERE o.status = 'refunded' AND w.payment_id IS NULL
 UNION ALL
SELECT 'payment_pays_nothing', o.product_id, CONCAT('payment ', w.payment_id, ', order ', COALESCE(w.order_uuid, 'none'))
  FROM payments AS w
  LEFT JOIN orders AS o ON o.order_id = w.order_id
 WHERE w.state = 'paying' AND (o.payment_id = w.payment_id AND o.status = 'paid') IS NOT TRUE
 UNION ALL
SELECT 'payment_state_unlike_money', NULL, CONCAT('payment ', w.payment_id, ' is ', w.state, '; ', w.returning_minor, ' went back or should of ', w.amount_minor)
  FROM payments AS w
 WHERE (w.state = 'paying' AND w.returning_minor >= w.amount_minor) OR (w.state = 'due' AND w.refunded_minor >= w.amount_minor)
    OR (w.state = 'settled' AND w.refunded_minor < w.amount_minor)
 UNION ALL
SELECT 'payment_waits_beside_order', o.product_id, CONCAT('payment ', w.payment_id, ', order ', o.order_uuid)
  FROM payments AS w
  JOIN orders AS o ON o.order_id = w.order_id
 WHERE w.state = 'waiting'
 UNION ALL
-- The inbox tells what the payments say: the event of the money, and the refunds (but for those that an operator recorded).
SELECT 'payment_unlike_its_event', NULL, CONCAT('payment ', w.payment_id, ', event ', w.received_by)
  FROM payments AS w
  LEFT JOIN payment_webhooks AS e ON e.idempotency_key = w.received_by AND e.payment_id = w.payment_id
 WHERE w.received_at IS NOT NULL AND w.events_purged_at IS NULL
   AND (COALESCE(e.order_id = w.order_id, e.order_id IS NULL) AND e.payment_status = 'succeeded'
        AND COALESCE(e.amount_minor = w.amount_minor, e.amount_minor IS NULL) AND COALESCE(e.currency = w.currency, e.currency IS NULL)
        AND CASE w.state WHEN 'waiting' THEN e.outcome = 'parked'
                         WHEN 'paying' THEN e.outcome = 'applied'
                         ELSE e.outcome IN ('applied', 'refund_due', 'amount_mismatch') END) IS NOT TRUE
 UNION ALL
SELECT 'refunds_unlike_their_events', NULL, CONCAT('payment ', w.payment_id, ': ', w.refund_told_minor, ' told, ', w.refund_failed_minor, ' failed')
  FROM payments AS w
  LEFT JOIN (SELECT e.payment_id, MAX(IF(e.payment_status = 'refunded', LEAST(COALESCE(e.amount_minor, q.amount_minor), q.amount_minor), 0)) AS told,
                    SUM(e.payment_status = 'refund_failed' AND COALESCE(e.amount_minor > 0, TRUE)) AS failed
               FROM payment_webhooks AS e
               JOIN payments AS q ON q.payment_id = e.payment_id
              WHERE e.payment_status IN ('refunded', 'refund_failed') AND e.outcome <> 'amount_mismatch'
              GROUP BY e.payment_id) AS i ON i.payment_id = w.payment_id
 WHERE w.amount_minor > 0 AND (w.refund_told_minor <> COALESCE(i.told, 0) OR w.refunds_failed <> COALESCE(i.failed, 0))
   AND w.events_purged_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM operator_actions AS a WHERE a.action = 'record_refund' AND a.payment_id = w.payment_id)
 UNION ALL
SELECT 'event_without_payment', NULL, CONCAT('webhook ', e.webhook_id, ', payment ', e.payment_id)
  FROM payment_webhooks AS e
  LEFT JOIN payments AS w ON w.payment_id = e.payment_id
 WHERE e.payment_id IS NOT NULL AND w.payment_id IS NULL
 UNION ALL
SELECT 'event_parked_beside_decision', NULL, CONCAT('webhook ', e.webhook_id, ', payment ', e.payment_id, ' is ', w.state)
  FROM payment_webhooks AS e
  JOIN payments AS w ON w.payment_id = e.payment_id
 WHERE e.outcome = 'parked' AND (w.state IN ('paying', 'due', 'settled') OR (w.state = 'waiting' AND e.payment_status <> 'succeeded'))
 UNION ALL
SELECT 'event_parked_too_long', NULL, CONCAT('webhook ', e.webhook_id, ', ', e.payment_status, ', since ', e.first_received_at, ' UTC')
  FROM payment_webhooks AS e
  JOIN payments AS w ON w.payment_id = e.payment_id
  LEFT JOIN holds AS h ON h.hold_id = w.order_id
 WHERE e.outcome = 'parked' AND h.hold_id IS NULL
   AND COALESCE(w.received_at, w.created_at) < UTC_TIMESTAMP(6) - INTERVAL 16 MINUTE
 UNION ALL
SELECT 'rules_changed', NULL, CONCAT(COUNT(*), ' rows of payment_rules; run the migration')
  FROM payment_rules AS r
HAVING COUNT(*) <> 38
    OR SUM(CRC32(CONCAT_WS('|', r.order_state, r.payment, r.payment_becomes, r.outcome, COALESCE(r.order_becomes, '-'), r.units,
                           COALESCE(r.reason, '-')))) <> 100205152074
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
         WHERE p.counts_customers AND (o.status IN ('pending', 'paid') OR o.fulfilled_at IS NOT NULL)) AS c
 GROUP BY c.product_id, c.customer_id
HAVING SUM(c.units) <> 0 OR SUM(c.unpaid_units) <> 0
 UNION ALL
-- The housekeeping runs. (The rules do not depend on it.)
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
