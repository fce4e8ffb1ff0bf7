DELIMITER $$

-- What waits for a person on duty, a row for each thing, with the CALL that settles it. What is found here needs an index that holds only
-- what is open, for the board asks again and again. A new kind of task is one more SELECT.
-- QUOTE: ids of payments are a stranger's text, and the CALL is there to be pasted.
-- of_kind: how many there are, where not all of them are here; NULL: count the rows.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW open_tasks AS
SELECT 'refund due' AS kind, d.payment_id AS subject, d.order_uuid AS order_id, d.amount_due AS amount, d.currency, d.received_at AS since, d.reason,
       CONCAT('CALL record_refund(', QUOTE(d.payment_id), ', ''paid back at the provider'', NULL)') AS settled_by, CAST(NULL AS SIGNED) AS of_kind
  FROM money_owed AS d
 UNION ALL
-- Of a live hold somebody may make the order before the sweep does; else the rules are asked once more.
SELECT 'payment waiting', w.payment_id, w.order_uuid, w.amount_minor, w.currency, w.received_at, 'its order does not exist yet',
       IF(h.hold_id IS NOT NULL,
          CONCAT('CALL create_order(''', w.order_uuid, ''', NULL, NULL, NULL)'),
          CONCAT('CALL reprocess_webhook(', (SELECT MIN(e.webhook_id) FROM payment_webhooks AS e WHERE e.payment_id = w.payment_id), ', NULL)')),
       NULL
  FROM payments AS w
  LEFT JOIN holds AS h ON h.hold_id = w.order_id
 WHERE w.follow_up = 'order'
 UNION ALL
-- A receiver that was dead for three days may leave very many: the 20 oldest of each are read in the order of the index, and the others
-- only counted there. Without the hint and o.receiver in ORDER BY MySQL would sort all of them. Who is told nothing any more is sent nothing again.
SELECT 'notification failed', CONCAT('notification ', n.notification_id, ', ', n.kind),
       IF(IS_UUID(n.subject), n.subject, NULL), NULL, NULL, n.settled_at, n.last_error,
       CONCAT('CALL resend_notification(', n.notification_id, ', NULL)'),
       (SELECT COUNT(*)
          FROM notification_receivers AS told
          STRAIGHT_JOIN notifications AS failed ON failed.state = 'failed' AND failed.receiver = told.receiver)
  FROM notification_receivers AS r
  JOIN LATERAL (SELECT o.notification_id, o.kind, o.subject, o.settled_at, o.last_error
                  FROM notifications AS o FORCE INDEX (ix_notifications_state_receiver_due_at)
                 WHERE o.state = 'failed' AND o.receiver = r.receiver
                 ORDER BY o.receiver, o.due_at, o.notification_id
                 LIMIT 20) AS n $$

DELIMITER ;
