DELIMITER $$

DROP PROCEDURE IF EXISTS list_tasks $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_tasks ()
COMMENT '
Description
  Lists what waits for a person on duty, each with the CALL that settles it: the 20 oldest of each kind, oldest first. It reads nothing
  that only grows, and no customer is named.

Parameters
  none

Result set
  kind (refund due: money has to go back; payment waiting: for an order that may still come, so it mostly settles itself; notification
  failed: its receiver did not take it for three days), subject (the payment; the notification and its kind), order_id (of the order or its
  hold; NULL: none that is an id of ours), amount (minor units; NULL: nobody named one), currency, since (UTC), reason, settled_by (the CALL;
  record_refund only writes down that you gave the money back at the provider), of_kind (how many of this kind there are); no row when
  nothing waits

Errors
  none

Locks
  none

Example
  mysql> CALL list_tasks()\\G
  *************************** 1. row ***************************
        kind: refund due
     subject: pi_2
    order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
      amount: 25800
    currency: EUR
       since: 2026-11-27 09:10:00.000000
      reason: the order is paid already
  settled_by: CALL record_refund(''pi_2'', ''paid back at the provider'', NULL)
     of_kind: 1
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  -- What is found here needs an index that holds only what is open, for the board asks again and again. A new kind of task is one more
  -- SELECT. QUOTE: ids of payments are a stranger's text, and the CALL is there to be pasted.
  (SELECT 'refund due' AS kind, d.payment_id AS subject, d.order_uuid AS order_id, d.amount_due AS amount, d.currency,
          d.received_at AS since, d.reason,
          CONCAT('CALL record_refund(', QUOTE(d.payment_id), ', ''paid back at the provider'', NULL)') AS settled_by,
          COUNT(*) OVER () AS of_kind
     FROM money_owed AS d
    ORDER BY since, subject
    LIMIT 20)
   UNION ALL
  -- Of a live hold somebody may make the order before the sweep does; else the rules are asked once more.
  (SELECT 'payment waiting', w.payment_id AS subject, w.order_uuid, w.amount_minor, w.currency, w.received_at AS since,
          'its order does not exist yet',
          CASE WHEN h.hold_id IS NOT NULL THEN CONCAT('CALL create_order(''', w.order_uuid, ''', NULL, NULL, NULL)')
               ELSE CONCAT('CALL reprocess_webhook(', (SELECT MIN(e.webhook_id) FROM payment_webhooks AS e WHERE e.payment_id = w.payment_id), ', NULL)')
          END,
          COUNT(*) OVER ()
     FROM payments AS w
     LEFT JOIN holds AS h ON h.hold_id = w.order_id
    WHERE w.follow_up = 'order'
    ORDER BY since, subject
    LIMIT 20)
   UNION ALL
  -- A receiver that was dead for three days may leave very many: the 20 oldest of each are read in the order of the index, and the others
  -- only counted there. Without the hint and o.receiver in ORDER BY MySQL would sort all of them. Who is told nothing any more is sent
  -- nothing again.
  (SELECT 'notification failed', CONCAT('notification ', n.notification_id, ', ', n.kind) AS subject,
          CASE WHEN IS_UUID(n.subject) THEN n.subject END, NULL, NULL, n.settled_at AS since, n.last_error,
          CONCAT('CALL resend_notification(', n.notification_id, ', NULL)'),
          (SELECT COUNT(*)
             FROM notification_receivers AS told
             STRAIGHT_JOIN notifications AS failed FORCE INDEX (ix_notifications_state_receiver_due_at)
               ON failed.state = 'failed' AND failed.receiver = told.receiver)
     FROM notification_receivers AS r
     JOIN LATERAL (SELECT o.notification_id, o.kind, o.subject, o.settled_at, o.last_error
                     FROM notifications AS o FORCE INDEX (ix_notifications_state_receiver_due_at)
                    WHERE o.state = 'failed' AND o.receiver = r.receiver
                    ORDER BY o.receiver, o.due_at, o.notification_id
                    LIMIT 20) AS n
    ORDER BY since, subject
    LIMIT 20)
   ORDER BY kind DESC, since ASC, subject ASC;
  COMMIT;
END $$

DELIMITER ;
