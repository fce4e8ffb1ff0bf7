DELIMITER $$

-- What must never be between payments and the events that told of them: a row for each violation, for invariant_violations.
-- purge_history deletes all events of a payment and says so there; what has lost its events is compared with them no more.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW inbox_violations AS
WITH told AS (
  SELECT e.payment_id, e.payment_status, w.refund_told_minor, LEAST(COALESCE(e.amount_minor, w.amount_minor), w.amount_minor) AS amount_minor
    FROM payment_webhooks AS e
    JOIN payments AS w ON w.payment_id = e.payment_id
   WHERE e.payment_status IN ('refunded', 'refund_failed') AND e.outcome <> 'amount_mismatch' AND COALESCE(e.amount_minor > 0, TRUE)),
refunds AS (
  SELECT t.payment_id, MAX(IF(t.payment_status = 'refunded', t.amount_minor, 0)) AS told,
         SUM(t.payment_status = 'refunded' AND t.amount_minor = t.refund_told_minor) AS tellings,
         SUM(IF(t.payment_status = 'refund_failed', t.amount_minor, 0)) AS failed,
         SUM(t.payment_status = 'refund_failed') AS failures
    FROM told AS t
   GROUP BY t.payment_id)
-- The event of the money.
SELECT 'payment_unlike_its_event' AS violation, CAST(NULL AS UNSIGNED) AS product_id,
       CONCAT('payment ', w.payment_id, ', event ', w.received_by) AS detail
  FROM payments AS w
  LEFT JOIN payment_webhooks AS e FORCE INDEX (uq_payment_webhooks_idempotency_key) ON e.idempotency_key = w.received_by AND e.payment_id = w.payment_id
 WHERE w.received_at IS NOT NULL AND w.events_purged_at IS NULL
   AND (COALESCE(e.order_id = w.order_id, e.order_id IS NULL) AND e.payment_status = 'succeeded'
        AND COALESCE(e.amount_minor = w.amount_minor, e.amount_minor IS NULL) AND COALESCE(e.currency = w.currency, e.currency IS NULL)
        AND CASE w.state WHEN 'waiting' THEN e.outcome = 'parked'
                         WHEN 'paying' THEN e.outcome = 'applied'
                         ELSE e.outcome IN ('applied', 'refund_due', 'amount_mismatch') END) IS NOT TRUE
 UNION ALL
-- Where the event names no amount or no currency, it is the purchase's. (What an operator accepted costs something else by now.)
SELECT 'payment_unlike_its_price', h.product_id,
       CONCAT('payment ', w.payment_id, ': ', COALESCE(w.amount_minor, 'none'), ' ', COALESCE(w.currency, ''))
  FROM payments AS w
  JOIN payment_webhooks AS e FORCE INDEX (uq_payment_webhooks_idempotency_key) ON e.idempotency_key = w.received_by AND e.payment_id = w.payment_id
  JOIN holds AS h ON h.hold_id = w.order_id
  JOIN products AS p ON p.product_id = h.product_id
  LEFT JOIN orders AS o ON o.order_id = w.order_id
 WHERE (e.amount_minor IS NULL AND o.accepted_at IS NULL AND NOT w.amount_minor <=> h.qty * h.unit_price_minor)
    OR (e.currency IS NULL AND NOT w.currency <=> p.currency)
 UNION ALL
SELECT 'payment_unlike_its_price', h.product_id,
       CONCAT('payment ', w.payment_id, ': ', COALESCE(w.amount_minor, 'none'), ' ', COALESCE(w.currency, ''))
  FROM payments AS w
  JOIN payment_webhooks AS e FORCE INDEX (uq_payment_webhooks_idempotency_key) ON e.idempotency_key = w.received_by AND e.payment_id = w.payment_id
  JOIN hold_history AS h ON h.hold_id = w.order_id
  JOIN products AS p ON p.product_id = h.product_id
  LEFT JOIN orders AS o ON o.order_id = w.order_id
 WHERE (e.amount_minor IS NULL AND o.accepted_at IS NULL AND NOT w.amount_minor <=> h.qty * h.unit_price_minor)
    OR (e.currency IS NULL AND NOT w.currency <=> p.currency)
 UNION ALL
-- What went back and did not arrive, but for refunds that an operator recorded.
SELECT 'refunds_unlike_their_events', NULL,
       CONCAT('payment ', w.payment_id, ': ', w.refund_told_minor, ' told, ', w.refund_failed_minor, ' failed')
  FROM payments AS w
  LEFT JOIN refunds AS i ON i.payment_id = w.payment_id
 WHERE w.amount_minor > 0 AND w.events_purged_at IS NULL
   AND NOT (w.refund_told_minor = COALESCE(i.told, 0) AND w.refunds_told = COALESCE(i.tellings, 0)
            AND w.refund_failed_minor = LEAST(COALESCE(i.failed, 0), 9223372036854775807) AND w.refunds_failed = COALESCE(i.failures, 0))
   AND NOT EXISTS (SELECT 1 FROM operator_actions AS a WHERE a.action = 'record_refund' AND a.payment_id = w.payment_id)
 UNION ALL
SELECT 'dispute_unlike_its_events', NULL, CONCAT('payment ', w.payment_id, ', dispute ', COALESCE(w.dispute, 'none'))
  FROM payments AS w
 WHERE w.dispute IS NOT NULL AND w.events_purged_at IS NULL
   AND NOT EXISTS (SELECT 1
                     FROM payment_webhooks AS e FORCE INDEX (ix_payment_webhooks_payment_id)
                    WHERE e.payment_id = w.payment_id AND e.outcome = 'applied' AND e.payment_status = CONCAT('dispute_', w.dispute))
 UNION ALL
SELECT 'dispute_unlike_its_events', NULL, CONCAT('payment ', w.payment_id, ', event ', e.idempotency_key, ' ', e.payment_status)
  FROM payment_webhooks AS e
  JOIN payments AS w ON w.payment_id = e.payment_id
 WHERE e.payment_status IN ('dispute_opened', 'dispute_won', 'dispute_lost')
   AND (w.dispute IS NULL OR (w.dispute = 'opened' AND e.payment_status <> 'dispute_opened'))
 UNION ALL
-- One session wrote both a moment apart, so that the minute does not depend on anybody's clock.
SELECT 'payment_time_unlike_its_events', NULL,
       CONCAT('payment ', w.payment_id, ' of ', w.created_at, ' UTC, received at ', COALESCE(w.received_at, 'no time'))
  FROM payments AS w
  LEFT JOIN payment_webhooks AS e FORCE INDEX (uq_payment_webhooks_idempotency_key) ON e.idempotency_key = w.received_by AND e.payment_id = w.payment_id
 WHERE w.events_purged_at IS NULL
   AND ((COALESCE(ABS(TIMESTAMPDIFF(SECOND, e.first_received_at, w.created_at)) <= 60, FALSE) IS FALSE
         AND NOT EXISTS (SELECT 1
                           FROM payment_webhooks AS i FORCE INDEX (ix_payment_webhooks_payment_id)
                          WHERE i.payment_id = w.payment_id AND ABS(TIMESTAMPDIFF(SECOND, i.first_received_at, w.created_at)) <= 60))
        OR (COALESCE(ABS(TIMESTAMPDIFF(SECOND, e.first_received_at, w.received_at)) <= 60, w.received_at IS NULL) IS FALSE
            AND NOT EXISTS (SELECT 1
                              FROM payment_webhooks AS i FORCE INDEX (ix_payment_webhooks_payment_id)
                             WHERE i.payment_id = w.payment_id AND i.payment_status = 'succeeded'
                               AND ABS(TIMESTAMPDIFF(SECOND, i.first_received_at, w.received_at)) <= 60)))
 UNION ALL
SELECT 'payment_without_event', NULL, CONCAT('payment ', w.payment_id, ' is ', w.state)
  FROM payments AS w
 WHERE w.state IN ('open', 'failed') AND w.events_purged_at IS NULL
   AND NOT EXISTS (SELECT 1
                     FROM payment_webhooks AS e FORCE INDEX (ix_payment_webhooks_payment_id)
                    WHERE e.payment_id = w.payment_id AND (w.state = 'open' OR e.payment_status = 'failed'))
 UNION ALL
SELECT 'event_without_payment', NULL, CONCAT('webhook ', e.webhook_id, ', payment ', e.payment_id)
  FROM payment_webhooks AS e
  LEFT JOIN payments AS w ON w.payment_id = e.payment_id
 WHERE e.payment_id IS NOT NULL AND w.payment_id IS NULL
 UNION ALL
SELECT 'event_without_reason', NULL, CONCAT('webhook ', e.webhook_id, ' is ', e.outcome, '; reason: ', COALESCE(e.reason, 'none'))
  FROM payment_webhooks AS e
 WHERE (e.reason IS NULL) <> (e.outcome IN ('parked', 'applied'))
 UNION ALL
SELECT 'event_parked_beside_decision', NULL, CONCAT('webhook ', e.webhook_id, ', payment ', e.payment_id, ' is ', w.state)
  FROM payment_webhooks AS e
  JOIN payments AS w ON w.payment_id = e.payment_id
 WHERE e.outcome = 'parked' AND (w.state IN ('paying', 'due', 'settled') OR (w.state = 'waiting' AND e.payment_status <> 'succeeded'))
 UNION ALL
SELECT 'event_parked_too_long', NULL, CONCAT('webhook ', e.webhook_id, ', ', e.payment_status, ', since ', e.first_received_at, ' UTC')
  FROM payment_webhooks AS e
  JOIN payment_deadlines AS w ON w.payment_id = e.payment_id
  CROSS JOIN sweep_health AS s
  LEFT JOIN holds AS h ON h.hold_id = w.order_id
 WHERE e.outcome = 'parked' AND h.hold_id IS NULL
   AND w.waits_until < UTC_TIMESTAMP(6) - INTERVAL s.late_seconds SECOND $$

DELIMITER ;
