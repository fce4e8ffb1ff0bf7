DELIMITER $$

DROP PROCEDURE IF EXISTS collect_live_metrics $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE collect_live_metrics ()
COMMENT '
Description
  Returns the numbers to scrape that are always cheap: those of the running sale, which may be asked for every second: those of collect_metrics that need no
  walk over the history; it counts the live holds, so its cost grows with them. One statement, so one snapshot: they belong together.

Parameters
  none

Result set
  metric, product_id (NULL: of no one product), state (NULL: the metric has none), value; one row a number.
  stock_units (available, held, sold; what has expired is available), holds (live), orders (pending), orders_overdue,
  sale_paused (1 while it is), payments (waiting for an order that may still come; due: of which money has to go back), money_due (by
  currency, in minor units;
  no row when none is due), oldest_payment_due_seconds, oldest_payment_waiting_seconds, webhooks_refused (by reason, since the
  beginning), sweep_lag_seconds, sweep_age_seconds (since the last sweep began; no row when
  there was none), scheduler_on (1 when the event scheduler is ON and the EVENT enabled),
  group_members (expected, online; 1 and 1 without a group), group_behind (transactions that the slowest member has not applied),
  node (state: the one that answers; 1 when it sells)

Errors
  none

Locks
  none

Example
  mysql> CALL collect_live_metrics();
  +--------------------------------+------------+-------------------+---------+
  | metric                         | product_id | state             | value   |
  +--------------------------------+------------+-------------------+---------+
  | group_behind                   |       NULL | NULL              |  0.0000 |
  | group_members                  |       NULL | expected          |  1.0000 |
  | group_members                  |       NULL | online            |  1.0000 |
  | holds                          |          1 | NULL              |  1.0000 |
  | node                           |       NULL | 10.0.0.11:3306    |  1.0000 |
  | orders                         |          1 | pending           |  0.0000 |
  | orders_overdue                 |          1 | NULL              |  0.0000 |
  | oldest_payment_due_seconds     |       NULL | NULL              |  0.0000 |
  | oldest_payment_waiting_seconds |       NULL | NULL              |  0.0000 |
  | payments                       |       NULL | due               |  0.0000 |
  | payments                       |       NULL | waiting           |  0.0000 |
  | scheduler_on                   |       NULL | NULL              |  1.0000 |
  | stock_units                    |          1 | available         | 96.0000 |
  | stock_units                    |          1 | held              |  2.0000 |
  | stock_units                    |          1 | sold              |  2.0000 |
  | sweep_age_seconds              |       NULL | NULL              |  0.3657 |
  | sweep_lag_seconds              |       NULL | NULL              |  0.0000 |
  | webhooks_refused               |       NULL | invalid_signature |  0.0000 |
  | webhooks_refused               |       NULL | missing_signature |  0.0000 |
  | webhooks_refused               |       NULL | stale_timestamp   |  0.0000 |
  +--------------------------------+------------+-------------------+---------+
'
BEGIN
  DECLARE v_role VARCHAR(16);
  DECLARE v_members_online, v_members INT;
  DECLARE v_members_behind BIGINT;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _read_role(v_role, v_members_online, v_members, v_members_behind);
  SELECT metric, product_id, state, value FROM live_metrics
   UNION ALL
  SELECT 'group_members', NULL, 'online', v_members_online
   UNION ALL
  SELECT 'group_members', NULL, 'expected', v_members
   UNION ALL
  SELECT 'group_behind', NULL, NULL, v_members_behind
   UNION ALL
  SELECT 'node', NULL, CONCAT(COALESCE(@@GLOBAL.report_host, @@GLOBAL.hostname), ':', @@GLOBAL.port), v_role = 'primary'
   UNION ALL
  SELECT 'scheduler_on', NULL, NULL,
         @@GLOBAL.event_scheduler = 'ON'
         AND EXISTS (SELECT 1
                       FROM information_schema.events
                      WHERE event_schema = DATABASE() AND event_name = 'sweep_expired' AND status = 'ENABLED')
   ORDER BY metric, product_id, state;
  COMMIT;
END $$

DELIMITER ;
