DELIMITER $$

DROP PROCEDURE IF EXISTS show_board $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE show_board ()
COMMENT '
Description
  Shows the sale as it is at this moment, for a board that asks every second: a row for each product, and one for
  everything together with the payments that wait for somebody and the health of the housekeeping. It reads nothing that
  only grows, so its cost does not depend on what has been sold; what does is in show_totals. It counts the live holds, so its cost
  grows with them.

Parameters
  none

Result set
  product_id, name, currency and sale (upcoming, open, paused, sold out, ended; NULL: everything together), stock_total, available,
  held, sold (as get_product), live_holds, expiring_within_10_s, expiring_within_30_s (of the live holds), orders_pending,
  orders_overdue (of the pending ones: past pay_by, and not closed yet), sale_starts_at, sale_ends_at (UTC; of a sale that was
  stopped: when; NULL: none); and only in the row of everything
  together: payments_waiting (for an order that may still come), payments_due (of which money has to go back), money_due (minor
  units; NULL: in several currencies), money_due_currency (NULL: none or several), health (NULL: all is well; else what is wrong
  and what to do), last_sweep_at (UTC; NULL: never), sweep_lag_seconds, event_status (as health_check), role, node, members_online,
  members and members_behind (as find_role), database_version, shown_at (UTC)

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
      payments_waiting: NULL
          payments_due: NULL
             money_due: NULL
    money_due_currency: NULL
                health: NULL
         last_sweep_at: NULL
     sweep_lag_seconds: NULL
          event_status: NULL
                  role: NULL
                  node: NULL
        members_online: NULL
               members: NULL
        members_behind: NULL
      database_version: NULL
              shown_at: NULL
  *************************** 2. row ***************************
            product_id: NULL
                  name: NULL
              currency: NULL
                  sale: NULL
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
                health: NULL
         last_sweep_at: 2026-11-24 13:41:07.512083
     sweep_lag_seconds: 0.000000
          event_status: ENABLED
                  role: primary
                  node: 10.0.0.11:3306
        members_online: 1
               members: 1
        members_behind: 0
      database_version: 9.7.4-2
              shown_at: 2026-11-24 13:41:08.094518
'
BEGIN
  DECLARE v_status VARCHAR(8);
  DECLARE v_health VARCHAR(255);
  DECLARE v_event_status VARCHAR(32);
  DECLARE v_last_sweep_at DATETIME(6);
  DECLARE v_lag_seconds DECIMAL(16, 6);
  DECLARE v_role VARCHAR(16);
  DECLARE v_members_online, v_members INT;
  DECLARE v_members_behind BIGINT;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _read_health(v_status, v_health, v_event_status, v_last_sweep_at, v_lag_seconds, v_role, v_members_online, v_members, v_members_behind);
  -- The LIMIT keeps MySQL from merging the stock into both of its readers, and counting twice.
  WITH stock AS (
    SELECT l.product_id, l.name, l.currency, l.sale, l.stock_total, l.available, l.held, l.sold, l.live_holds,
           l.expiring_within_10_s, l.expiring_within_30_s, l.orders_pending, l.orders_overdue,
           l.sale_starts_at, COALESCE(l.stopped_at, l.sale_ends_at) AS sale_ends_at
      FROM live_stock AS l
     LIMIT 1000000)
  SELECT s.product_id, s.name, s.currency, s.sale, s.stock_total, s.available, s.held, s.sold, s.live_holds,
         s.expiring_within_10_s, s.expiring_within_30_s, s.orders_pending, s.orders_overdue,
         s.sale_starts_at, s.sale_ends_at,
         NULL AS payments_waiting, NULL AS payments_due, NULL AS money_due, NULL AS money_due_currency, NULL AS health, NULL AS last_sweep_at, NULL AS sweep_lag_seconds,
         NULL AS event_status, NULL AS role, NULL AS node, NULL AS members_online, NULL AS members, NULL AS members_behind,
         NULL AS database_version, NULL AS shown_at
    FROM stock AS s
   UNION ALL
  SELECT NULL, NULL, NULL, NULL, COALESCE(SUM(s.stock_total), 0), COALESCE(SUM(s.available), 0), COALESCE(SUM(s.held), 0),
         COALESCE(SUM(s.sold), 0), COALESCE(SUM(s.live_holds), 0), COALESCE(SUM(s.expiring_within_10_s), 0),
         COALESCE(SUM(s.expiring_within_30_s), 0), COALESCE(SUM(s.orders_pending), 0), COALESCE(SUM(s.orders_overdue), 0),
         NULL, NULL,
         (SELECT COUNT(*) FROM payments AS w WHERE w.follow_up = 'order'),
         (SELECT COUNT(*) FROM money_owed),
         (SELECT IF(COUNT(DISTINCT d.currency) <= 1, CAST(COALESCE(SUM(d.amount_due), 0) AS SIGNED), NULL) FROM money_owed AS d),
         (SELECT IF(COUNT(DISTINCT d.currency) = 1, MIN(d.currency), NULL) FROM money_owed AS d),
         v_health, v_last_sweep_at, v_lag_seconds, v_event_status, v_role,
         CONCAT(COALESCE(@@GLOBAL.report_host, @@GLOBAL.hostname), ':', @@GLOBAL.port), v_members_online, v_members, v_members_behind,
         VERSION(), UTC_TIMESTAMP(6)
    FROM stock AS s
   ORDER BY product_id IS NULL, product_id;
  COMMIT;
END $$

DELIMITER ;
