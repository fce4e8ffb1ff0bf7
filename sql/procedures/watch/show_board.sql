DELIMITER $$

DROP PROCEDURE IF EXISTS show_board $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE show_board ()
COMMENT '
Description
  Shows the sale as it is at this moment, for a board and for monitoring, which ask every second: a row for each product, and one for
  everything together with what waits for somebody and the health of the housekeeping. It reads nothing that only grows, so its cost does
  not depend on what has been sold; what does is in show_totals. It counts the live holds, so its cost grows with them.

Parameters
  none

Result set
  product_id, name, currency and sale (upcoming, open, paused, sold_out, ended; NULL: everything together), sale_paused (1 while an
  operator has it paused; NULL: everything together), stock_total, available, held, sold (as get_product), live_holds,
  expiring_within_10_s, expiring_within_30_s (of the live holds), orders_pending, orders_overdue (of the pending ones: past pay_by, and
  not closed yet), sale_starts_at, sale_ends_at (UTC; of a sale that was stopped: when; NULL: none); and only in the row of everything
  together: payments_waiting (for an order that may still come), payments_due (of which money has to go back), money_due (minor units;
  NULL: in several currencies), money_due_currency (NULL: none or several), money_due_by_currency (JSON; NULL: none),
  oldest_payment_waiting_seconds and oldest_payment_due_seconds (since it came in; 0: none), notifications_pending, notifications_failed,
  oldest_notification_seconds (since the oldest that is pending was written; 0: none), webhooks_refused (JSON: by reason, since the
  beginning), health (NULL: all is well; else what is wrong and what to do), last_sweep_at (UTC; NULL: never), sweep_age_seconds (since
  then), sweep_lag_seconds, sweep_late_seconds (from how many of either on it is late), scheduler_on (1: the event scheduler is ON, and
  the EVENT enabled), role, node, members_online, members and members_behind (as find_role), members_late_transactions (how many behind
  are too many), database_version

Errors
  none

Locks
  none

Example
  mysql> CALL show_board()\\G
  *************************** 1. row ***************************
                      product_id: 1
                            name: Limited sneaker
                        currency: EUR
                            sale: open
                     sale_paused: 0
                     stock_total: 100
                       available: 97
                            held: 1
                            sold: 2
                               …
'
BEGIN
  DECLARE v_status VARCHAR(8);
  DECLARE v_health VARCHAR(255);
  DECLARE v_event_status VARCHAR(32);
  DECLARE v_last_sweep_at DATETIME(6);
  DECLARE v_lag_seconds DECIMAL(16, 6);
  DECLARE v_role VARCHAR(16);
  DECLARE v_node VARCHAR(261);
  DECLARE v_late_seconds, v_members_online, v_members, v_late_transactions INT;
  DECLARE v_members_behind BIGINT;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _read_health(v_status, v_health, v_event_status, v_last_sweep_at, v_lag_seconds, v_late_seconds, v_role, v_node,
                    v_members_online, v_members, v_members_behind, v_late_transactions);
  -- Every live hold is compared with the clock, so its times are made once a product; LIMIT keeps MySQL from making them again for each.
  -- COUNT counts in whole numbers, SUM in decimals, and a quarter slower.
  WITH figures AS (
    SELECT p.product_id, IF(GROUPING(p.product_id), NULL, MIN(s.sale)) AS sale, COALESCE(SUM(p.stock_total), 0) AS stock_total,
           COALESCE(SUM(s.available), 0) AS available, COALESCE(SUM(s.held), 0) AS held, COALESCE(SUM(s.sold), 0) AS sold,
           COALESCE(SUM(held.holds - held.ended), 0) AS live_holds,
           COALESCE(SUM(held.ended_in_10_s - held.ended), 0) AS expiring_within_10_s,
           COALESCE(SUM(held.ended_in_30_s - held.ended), 0) AS expiring_within_30_s,
           COALESCE(SUM(unpaid.orders), 0) AS orders_pending, COALESCE(SUM(unpaid.overdue), 0) AS orders_overdue
      FROM products AS p
      JOIN live_stock AS s ON s.product_id = p.product_id
      JOIN LATERAL (SELECT s.clock AS now, s.clock + INTERVAL 10 SECOND AS in_10_s, s.clock + INTERVAL 30 SECOND AS in_30_s LIMIT 1) AS c
      JOIN LATERAL (SELECT COUNT(*) AS holds, COUNT(IF(h.expires_at <= c.now, 1, NULL)) AS ended,
                           COUNT(IF(h.expires_at <= c.in_10_s, 1, NULL)) AS ended_in_10_s,
                           COUNT(IF(h.expires_at <= c.in_30_s, 1, NULL)) AS ended_in_30_s
                      FROM holds AS h FORCE INDEX (ix_holds_product_id_expires_at)
                     WHERE h.product_id = p.product_id) AS held
      JOIN LATERAL (SELECT COUNT(*) AS orders, COUNT(IF(o.pay_by <= c.now, 1, NULL)) AS overdue
                      FROM orders AS o FORCE INDEX (ix_orders_product_id_status_pay_by)
                     WHERE o.product_id = p.product_id AND o.status = 'pending') AS unpaid
     WHERE p.archived_at IS NULL
     GROUP BY p.product_id WITH ROLLUP),
  due AS (
    SELECT d.currency, COUNT(*) AS payments, COALESCE(SUM(d.amount_due), 0) AS amount, MIN(d.received_at) AS oldest_at
      FROM money_owed AS d
     GROUP BY d.currency),
  owed AS (
    SELECT CAST(COALESCE(SUM(d.payments), 0) AS SIGNED) AS payments_due,
           CASE WHEN COUNT(d.currency) <= 1 THEN CAST(COALESCE(SUM(d.amount), 0) AS SIGNED) END AS money_due,
           CASE WHEN COUNT(d.currency) = 1 THEN MIN(d.currency) END AS money_due_currency,
           JSON_OBJECTAGG(COALESCE(d.currency, 'unknown'), d.amount) AS money_due_by_currency,
           COALESCE(TIMESTAMPDIFF(MICROSECOND, MIN(d.oldest_at), UTC_TIMESTAMP(6)), 0) / 1000000 AS oldest_payment_due_seconds
      FROM due AS d),
  early AS (
    SELECT COUNT(*) AS payments_waiting,
           COALESCE(TIMESTAMPDIFF(MICROSECOND, MIN(w.received_at), UTC_TIMESTAMP(6)), 0) / 1000000 AS oldest_payment_waiting_seconds
      FROM payments AS w
     WHERE w.follow_up = 'order'),
  outbox AS (
    SELECT COUNT(IF(n.state = 'pending', 1, NULL)) AS notifications_pending, COUNT(IF(n.state = 'failed', 1, NULL)) AS notifications_failed,
           MIN(IF(n.state = 'pending', n.notification_id, NULL)) AS oldest_id
      FROM notifications AS n
     WHERE n.state IN ('pending', 'failed')),
  refused AS (
    SELECT JSON_OBJECT('missing_signature', COALESCE(SUM(IF(r.reason = 'missing_signature', r.refusals, 0)), 0),
                       'invalid_signature', COALESCE(SUM(IF(r.reason = 'invalid_signature', r.refusals, 0)), 0),
                       'stale_timestamp', COALESCE(SUM(IF(r.reason = 'stale_timestamp', r.refusals, 0)), 0)) AS webhooks_refused
      FROM webhook_refusals AS r),
  together AS (
    SELECT e.*, o.*, b.notifications_pending, b.notifications_failed,
           COALESCE(TIMESTAMPDIFF(MICROSECOND, n.created_at, UTC_TIMESTAMP(6)), 0) / 1000000 AS oldest_notification_seconds,
           r.*, v_health AS health, v_last_sweep_at AS last_sweep_at,
           TIMESTAMPDIFF(MICROSECOND, v_last_sweep_at, UTC_TIMESTAMP(6)) / 1000000 AS sweep_age_seconds,
           v_lag_seconds AS sweep_lag_seconds, v_late_seconds AS sweep_late_seconds,
           @@GLOBAL.event_scheduler = 'ON' AND COALESCE(v_event_status = 'ENABLED', FALSE) AS scheduler_on, v_role AS role, v_node AS node,
           v_members_online AS members_online, v_members AS members, v_members_behind AS members_behind,
           v_late_transactions AS members_late_transactions, VERSION() AS database_version
      FROM owed AS o
      CROSS JOIN early AS e
      CROSS JOIN refused AS r
      CROSS JOIN outbox AS b
      LEFT JOIN notifications AS n ON n.notification_id = b.oldest_id)
  SELECT f.product_id, p.name, p.currency, f.sale, IF(f.product_id IS NULL, NULL, p.paused_at IS NOT NULL) AS sale_paused, f.stock_total,
         f.available, f.held, f.sold, f.live_holds, f.expiring_within_10_s, f.expiring_within_30_s, f.orders_pending, f.orders_overdue,
         p.sale_starts_at, COALESCE(p.stopped_at, p.sale_ends_at) AS sale_ends_at, t.*
    FROM figures AS f
    LEFT JOIN products AS p ON p.product_id = f.product_id
    LEFT JOIN together AS t ON f.product_id IS NULL
   ORDER BY f.product_id IS NULL, f.product_id;
  COMMIT;
END $$

DELIMITER ;
