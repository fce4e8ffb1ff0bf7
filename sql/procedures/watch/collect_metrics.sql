DELIMITER $$

DROP PROCEDURE IF EXISTS collect_metrics $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE collect_metrics ()
COMMENT '
Description
  Returns every number of the sale, one row a number. One statement, so one snapshot: they belong together. The numbers that
  are here and not in collect_live_metrics need a walk over all orders, payments and ended holds: some ten seconds
  for a million of them, nearly all for the invariants. Let a monitor ask for it with pauses, as the API does.

Parameters
  none

Result set
  metric, product_id (NULL: of no one product), state (NULL: the metric has none), value; those of collect_live_metrics and
  orders (paid, cancelled, refunded), payments (by state), disputes (by state), webhooks (by outcome), invariant_violations (rows
  of check_invariants)

Errors
  none

Locks
  none

Example
  mysql> CALL collect_metrics();
  +--------------------------------+------------+-------------------+---------+
  | metric                         | product_id | state             | value   |
  +--------------------------------+------------+-------------------+---------+
  | disputes                       |       NULL | lost              |  0.0000 |
  | disputes                       |       NULL | opened            |  0.0000 |
  | disputes                       |       NULL | won               |  0.0000 |
  | group_behind                   |       NULL | NULL              |  0.0000 |
  | group_members                  |       NULL | expected          |  1.0000 |
  | group_members                  |       NULL | online            |  1.0000 |
  | holds                          |          1 | NULL              |  1.0000 |
  | invariant_violations           |       NULL | NULL              |  0.0000 |
  | node                           |       NULL | 10.0.0.11:3306    |  1.0000 |
  | orders                         |          1 | cancelled         |  0.0000 |
  | orders                         |          1 | paid              |  1.0000 |
  | orders                         |          1 | pending           |  0.0000 |
  | orders                         |          1 | refunded          |  0.0000 |
  | orders_overdue                 |          1 | NULL              |  0.0000 |
  | oldest_payment_due_seconds     |       NULL | NULL              |  0.0000 |
  | oldest_payment_waiting_seconds |       NULL | NULL              |  0.0000 |
  | payments                       |       NULL | due               |  0.0000 |
  | payments                       |       NULL | failed            |  0.0000 |
  | payments                       |       NULL | open              |  0.0000 |
  | payments                       |       NULL | paying            |  1.0000 |
  | payments                       |       NULL | settled           |  0.0000 |
  | payments                       |       NULL | waiting           |  0.0000 |
  | scheduler_on                   |       NULL | NULL              |  1.0000 |
  | stock_units                    |          1 | available         | 96.0000 |
  | stock_units                    |          1 | held              |  2.0000 |
  | stock_units                    |          1 | sold              |  2.0000 |
  | sweep_age_seconds              |       NULL | NULL              |  0.3736 |
  | sweep_lag_seconds              |       NULL | NULL              |  0.0000 |
  | webhooks                       |       NULL | amount_mismatch   |  0.0000 |
  | webhooks                       |       NULL | applied           |  1.0000 |
  | webhooks                       |       NULL | ignored           |  0.0000 |
  | webhooks                       |       NULL | parked            |  0.0000 |
  | webhooks                       |       NULL | refund_due        |  0.0000 |
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
  SELECT metric, product_id, state, value FROM counted_metrics
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
