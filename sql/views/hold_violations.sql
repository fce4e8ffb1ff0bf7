DELIMITER $$

-- What must never be of holds and of the orders they become: a row for each violation, for invariant_violations.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW hold_violations AS
-- A hold is live, or ended, or an order: one of them.
SELECT 'hold_live_and_ended' AS violation, h.product_id, CONCAT('hold ', h.hold_uuid) AS detail
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
-- A hold ends at its time, not before, and not long after; an order is what its hold was. Times are compared where one session wrote
-- both, or looked at the one before it wrote the other.
SELECT 'hold_expired_early', e.product_id, CONCAT('hold ', e.hold_uuid, ' until ', e.expires_at, ' UTC')
  FROM hold_history AS e
 WHERE e.ended_as = 'expired' AND e.ended_at < e.expires_at
 UNION ALL
SELECT 'hold_used_late', e.product_id, CONCAT('hold ', e.hold_uuid, ' ', e.ended_as, ' at ', e.ended_at, ' UTC')
  FROM hold_history AS e
 WHERE e.ended_as IN ('ordered', 'released') AND e.ended_at > e.expires_at + INTERVAL 1 SECOND
   AND NOT EXISTS (SELECT 1 FROM payments AS w WHERE w.order_id = e.hold_id)
 UNION ALL
SELECT 'order_expired_early', o.product_id, CONCAT('order ', o.order_uuid, ' until ', o.pay_by, ' UTC')
  FROM orders AS o
 WHERE o.cancelled_as = 'lapsed' AND o.closed_reason LIKE 'overdue%' AND o.closed_at < o.pay_by
 UNION ALL
-- While a sale is paused nothing of it runs out.
SELECT 'expired_in_a_pause', p.product_id, CONCAT('hold ', e.hold_uuid, ' until ', e.expires_at, ' UTC')
  FROM products AS p
  JOIN hold_history AS e ON e.product_id = p.product_id AND e.ended_at > p.paused_at
 WHERE e.ended_as = 'expired' AND e.expires_at > p.paused_at
 UNION ALL
SELECT 'expired_in_a_pause', p.product_id, CONCAT('order ', o.order_uuid, ' until ', o.pay_by, ' UTC')
  FROM products AS p
  JOIN orders AS o ON o.product_id = p.product_id AND o.status = 'cancelled' AND o.pay_by > p.paused_at
 WHERE o.cancelled_as = 'lapsed' AND o.closed_reason LIKE 'overdue%'
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
SELECT 'hold_not_prolonged', h.product_id,
       CONCAT('hold ', h.hold_uuid, ' is ', IF(h.order_at IS NULL, 'paid', 'prolonged without a payment'))
  FROM holds AS h
  JOIN products AS p ON p.product_id = h.product_id
  LEFT JOIN payments AS w ON w.order_id = h.hold_id AND w.state = 'waiting' AND w.amount_minor = h.qty * h.unit_price_minor
                             AND w.currency = p.currency AND w.returning_minor < w.amount_minor
 GROUP BY h.hold_id, h.product_id, h.order_at, h.expires_at, h.hold_uuid
HAVING (h.order_at IS NULL AND h.expires_at > MIN(w.received_at)) OR (h.order_at IS NOT NULL AND COUNT(w.payment_id) = 0) $$

DELIMITER ;
