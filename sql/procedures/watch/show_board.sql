DELIMITER $$

DROP PROCEDURE IF EXISTS show_board $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE show_board ()
COMMENT '
Description
  Shows the sale as it is at this moment, for a board and for monitoring, which ask every second: a row for each product, and one for
  everything together with what waits for somebody and the health of the housekeeping. It reads nothing that
  only grows, so its cost does not depend on what has been sold; what does is in show_totals. It counts the live holds, so its cost
  grows with them.

Parameters
  none

Result set
  product_id, name, currency and sale (upcoming, open, paused, sold_out, ended; NULL: everything together), sale_paused (1 while an operator
  has it paused; NULL: everything together), stock_total, available,
  held, sold (as get_product), live_holds, expiring_within_10_s, expiring_within_30_s (of the live holds), orders_pending,
  orders_overdue (of the pending ones: past pay_by, and not closed yet), sale_starts_at, sale_ends_at (UTC; of a sale that was
  stopped: when; NULL: none); and only in the row of everything together:
  payments_waiting (for an order that may still come), payments_due (of which money has to go back), money_due (minor
  units; NULL: in several currencies), money_due_currency (NULL: none or several), money_due_by_currency (JSON; NULL: none),
  oldest_payment_waiting_seconds and oldest_payment_due_seconds (since it came in; 0: none), notifications_pending, notifications_failed,
  oldest_notification_seconds (since the oldest that is pending was written; 0: none), webhooks_refused (JSON: by reason, since the beginning),
  health (NULL: all is well; else what is wrong
  and what to do), last_sweep_at (UTC; NULL: never), sweep_age_seconds (since then), sweep_lag_seconds, sweep_late_seconds (from how many
  of either on it is late), event_status (as health_check), scheduler_on (1: the event scheduler is ON, and the EVENT enabled), role, node,
  members_online, members and members_behind (as find_role), members_late_transactions (how many behind are too many), database_version,
  shown_at (UTC)

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
  *************************** 2. row ***************************
                      product_id: NULL
                            name: NULL
                        currency: NULL
                            sale: NULL
                     sale_paused: NULL
                     stock_total: 100
                       available: 97
                            held: 1
                            sold: 2
                      live_holds: 1
            expiring_within_10_s: 0
            expiring_within_30_s: 0
                  orders_pending: 0
                  orders_overdue: 0
                  sale_starts_at: NULL
                    sale_ends_at: NULL
                payments_waiting: 0
                    payments_due: 0
                       money_due: 0
              money_due_currency: NULL
           money_due_by_currency: NULL
  oldest_payment_waiting_seconds: 0.0000
                               …
                          health: NULL
                   last_sweep_at: 2026-11-24 13:41:07.512083
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
  DECLARE v_members_online, v_members INT;
  DECLARE v_members_behind BIGINT;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _read_health(v_status, v_health, v_event_status, v_last_sweep_at, v_lag_seconds, v_role, v_node,
                    v_members_online, v_members, v_members_behind);
  -- The LIMIT keeps MySQL from merging the stock into both of its readers, and counting twice.
  WITH stock AS (
    SELECT l.product_id, l.name, l.currency, l.sale, l.paused_at IS NOT NULL AS sale_paused, l.stock_total, l.available, l.held, l.sold,
           l.live_holds, l.expiring_within_10_s, l.expiring_within_30_s, l.orders_pending, l.orders_overdue,
           l.sale_starts_at, COALESCE(l.stopped_at, l.sale_ends_at) AS sale_ends_at
      FROM live_stock AS l
     LIMIT 1000000),
  figures AS (
    SELECT s.* FROM stock AS s
     UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, COALESCE(SUM(s.stock_total), 0), COALESCE(SUM(s.available), 0), COALESCE(SUM(s.held), 0),
           COALESCE(SUM(s.sold), 0), COALESCE(SUM(s.live_holds), 0), COALESCE(SUM(s.expiring_within_10_s), 0),
           COALESCE(SUM(s.expiring_within_30_s), 0), COALESCE(SUM(s.orders_pending), 0), COALESCE(SUM(s.orders_overdue), 0),
           NULL, NULL
      FROM stock AS s),
  refused AS (
    SELECT JSON_OBJECT('missing_signature', COALESCE(SUM(IF(r.reason = 'missing_signature', r.refusals, 0)), 0),
                       'invalid_signature', COALESCE(SUM(IF(r.reason = 'invalid_signature', r.refusals, 0)), 0),
                       'stale_timestamp', COALESCE(SUM(IF(r.reason = 'stale_timestamp', r.refusals, 0)), 0)) AS webhooks_refused
      FROM webhook_refusals AS r),
  together AS (
    SELECT a.payments_waiting, a.payments_due, a.money_due, a.money_due_currency, a.money_due_by_currency,
           a.oldest_payment_waiting_seconds, a.oldest_payment_due_seconds, a.notifications_pending, a.notifications_failed,
           a.oldest_notification_seconds, r.webhooks_refused, v_health AS health, v_last_sweep_at AS last_sweep_at,
           TIMESTAMPDIFF(MICROSECOND, v_last_sweep_at, UTC_TIMESTAMP(6)) / 1000000 AS sweep_age_seconds,
           v_lag_seconds AS sweep_lag_seconds, l.sweep_late_seconds, v_event_status AS event_status,
           @@GLOBAL.event_scheduler = 'ON' AND COALESCE(v_event_status = 'ENABLED', FALSE) AS scheduler_on, v_role AS role, v_node AS node,
           v_members_online AS members_online, v_members AS members, v_members_behind AS members_behind, l.members_late_transactions,
           VERSION() AS database_version, UTC_TIMESTAMP(6) AS shown_at
      FROM attention AS a
      CROSS JOIN refused AS r
      CROSS JOIN late_limits AS l)
  SELECT f.*, t.*
    FROM figures AS f
    LEFT JOIN together AS t ON f.product_id IS NULL
   ORDER BY f.product_id IS NULL, f.product_id;
  COMMIT;
END $$

DELIMITER ;
