DELIMITER $$

-- What operators did stands in operator_actions and nowhere else is it done: a row for each violation, for invariant_violations.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW action_violations AS
-- The last of them decides; a sale window opens the sale again.
WITH last_actions AS (
  SELECT a.product_id, MAX(IF(a.action = 'set_sale_window', a.action_id, 0)) AS opened,
         MAX(IF(a.action IN ('stop_sale', 'archive_product'), a.action_id, 0)) AS stopped,
         MAX(IF(a.action = 'archive_product', a.action_id, 0)) AS archived,
         MAX(IF(a.action = 'pause_sale', a.action_id, 0)) AS paused, MAX(IF(a.action = 'resume_sale', a.action_id, 0)) AS resumed
    FROM operator_actions AS a
   WHERE a.action IN ('set_sale_window', 'stop_sale', 'archive_product', 'pause_sale', 'resume_sale')
   GROUP BY a.product_id)
SELECT 'stop_unlike_actions' AS violation, p.product_id,
       CONCAT('stopped at ', COALESCE(p.stopped_at, 'no time'), ', archived at ', COALESCE(p.archived_at, 'no time')) AS detail
  FROM products AS p
  LEFT JOIN last_actions AS l ON l.product_id = p.product_id
 WHERE (p.stopped_at IS NOT NULL) <> COALESCE(l.stopped > l.opened, FALSE)
    OR (p.archived_at IS NOT NULL) <> COALESCE(l.archived > l.opened, FALSE)
 UNION ALL
SELECT 'pause_unlike_actions', p.product_id, CONCAT('paused at ', COALESCE(p.paused_at, 'no time'))
  FROM products AS p
  LEFT JOIN last_actions AS l ON l.product_id = p.product_id
 WHERE (p.paused_at IS NOT NULL) <> COALESCE(l.paused > l.resumed, FALSE)
 UNION ALL
SELECT 'hold_stopped_by_nobody', e.product_id, CONCAT('hold ', e.hold_uuid)
  FROM hold_history AS e
 WHERE e.ended_as = 'stopped'
   AND NOT EXISTS (SELECT 1 FROM operator_actions AS a WHERE a.product_id = e.product_id AND a.action = 'stop_sale')
 UNION ALL
SELECT 'order_withdrawn_by_nobody', o.product_id, CONCAT('order ', o.order_uuid, ': ', o.closed_reason)
  FROM orders AS o
 WHERE (o.cancelled_as = 'lapsed' AND o.closed_reason = 'cancelled by the buyer')
    OR (o.cancelled_as = 'withdrawn' AND o.closed_reason <> 'cancelled by the buyer'
        AND NOT EXISTS (SELECT 1
                          FROM operator_actions AS a
                         WHERE a.order_id = o.order_id AND a.action = 'cancel_order' AND a.reason = o.closed_reason))
 UNION ALL
SELECT 'withdrawal_unlike_order', o.product_id, CONCAT('order ', o.order_uuid, ' is ', o.status, ' ', COALESCE(o.cancelled_as, ''))
  FROM operator_actions AS a
  JOIN orders AS o ON o.order_id = a.order_id
 WHERE a.action = 'cancel_order' AND NOT o.cancelled_as <=> 'withdrawn'
 UNION ALL
SELECT 'acceptance_unlike_order', o.product_id, CONCAT('order ', o.order_uuid, ' was accepted by nobody')
  FROM orders AS o
 WHERE o.accepted_at IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM operator_actions AS a WHERE a.order_id = o.order_id AND a.action = 'accept_payment')
 UNION ALL
SELECT 'acceptance_unlike_order', o.product_id, CONCAT('order ', o.order_uuid, ' costs what it cost before')
  FROM operator_actions AS a
  JOIN orders AS o ON o.order_id = a.order_id
 WHERE a.action = 'accept_payment' AND o.accepted_at IS NULL
 UNION ALL
SELECT 'refund_recorded_by_nobody', NULL, CONCAT('payment ', w.payment_id)
  FROM payments AS w
 WHERE w.refund_recorded_at IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM operator_actions AS a WHERE a.action = 'record_refund' AND a.payment_id = w.payment_id) $$

DELIMITER ;
