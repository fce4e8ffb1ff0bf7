DELIMITER $$

-- One row: how much waits for somebody, and since when. open_tasks lists the same one by one. Each is found through an index of what is
-- still to come, for the board asks again and again. money_due is NULL in several currencies; money_due_by_currency when none is due.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW attention AS
WITH due AS (
  SELECT d.currency, COUNT(*) AS payments, COALESCE(SUM(d.amount_due), 0) AS amount, MIN(d.received_at) AS oldest_at
    FROM money_owed AS d
   GROUP BY d.currency),
owed AS (
  SELECT CAST(COALESCE(SUM(d.payments), 0) AS SIGNED) AS payments,
         IF(COUNT(d.currency) <= 1, CAST(COALESCE(SUM(d.amount), 0) AS SIGNED), NULL) AS amount,
         IF(COUNT(d.currency) = 1, MIN(d.currency), NULL) AS currency,
         JSON_OBJECTAGG(COALESCE(d.currency, 'unknown'), d.amount) AS by_currency, MIN(d.oldest_at) AS oldest_at
    FROM due AS d),
early AS (
  SELECT COUNT(*) AS payments, MIN(w.received_at) AS oldest_at FROM payments AS w WHERE w.follow_up = 'order'),
outbox AS (
  SELECT COUNT(IF(n.state = 'pending', 1, NULL)) AS pending, COUNT(IF(n.state = 'failed', 1, NULL)) AS failed,
         MIN(IF(n.state = 'pending', n.notification_id, NULL)) AS oldest_id
    FROM notifications AS n
   WHERE n.state IN ('pending', 'failed'))
SELECT e.payments AS payments_waiting, o.payments AS payments_due, o.amount AS money_due, o.currency AS money_due_currency,
       o.by_currency AS money_due_by_currency,
       COALESCE(TIMESTAMPDIFF(MICROSECOND, e.oldest_at, UTC_TIMESTAMP(6)), 0) / 1000000 AS oldest_payment_waiting_seconds,
       COALESCE(TIMESTAMPDIFF(MICROSECOND, o.oldest_at, UTC_TIMESTAMP(6)), 0) / 1000000 AS oldest_payment_due_seconds,
       b.pending AS notifications_pending, b.failed AS notifications_failed,
       COALESCE(TIMESTAMPDIFF(MICROSECOND, n.created_at, UTC_TIMESTAMP(6)), 0) / 1000000 AS oldest_notification_seconds
  FROM owed AS o
  CROSS JOIN early AS e
  CROSS JOIN outbox AS b
  LEFT JOIN notifications AS n ON n.notification_id = b.oldest_id $$

DELIMITER ;
