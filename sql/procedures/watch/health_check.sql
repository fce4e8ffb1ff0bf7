DELIMITER $$

DROP PROCEDURE IF EXISTS health_check $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE health_check ()
COMMENT '
Description
  Tells whether the database can serve the sale, and whether its housekeeping runs.

Parameters
  none

Result set
  status (ok; degraded: the sale goes on, but see detail; unable: nothing can be sold), detail (NULL when ok), database_version,
  schema_version (the newest migration), event_scheduler, event_status (NULL: the EVENT is missing),
  last_sweep_at (UTC; NULL: never), sweep_lag_seconds (how long the oldest expired unit has been waiting), role, node, members_online,
  members and members_behind (as find_role), checked_at (UTC)

Errors
  none

Locks
  none

Example
  mysql> CALL health_check()\\G
  *************************** 1. row ***************************
             status: ok
             detail: NULL
   database_version: 9.7.4-2
     schema_version: 0016.operator_keys
    event_scheduler: ON
       event_status: ENABLED
      last_sweep_at: 2026-11-22 11:51:51.927485
  sweep_lag_seconds: 0.000000
               role: primary
               node: 10.0.0.11:3306
     members_online: 1
            members: 1
     members_behind: 0
         checked_at: 2026-11-22 11:51:51.945820
'
BEGIN
  DECLARE v_status VARCHAR(8);
  DECLARE v_detail VARCHAR(255);
  DECLARE v_event_status VARCHAR(32);
  DECLARE v_last_sweep_at DATETIME(6);
  DECLARE v_lag_seconds DECIMAL(16, 6);
  DECLARE v_role VARCHAR(16);
  DECLARE v_node VARCHAR(261);
  DECLARE v_late_seconds, v_members_online, v_members, v_late_transactions INT;
  DECLARE v_members_behind BIGINT;
  DECLARE v_schema_version VARCHAR(255);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _read_health(v_status, v_detail, v_event_status, v_last_sweep_at, v_lag_seconds, v_late_seconds, v_role, v_node,
                    v_members_online, v_members, v_members_behind, v_late_transactions);
  SELECT MAX(migration_id) INTO v_schema_version FROM _yoyo_migration;
  COMMIT;

  SELECT v_status AS status, v_detail AS detail, VERSION() AS database_version,
         v_schema_version AS schema_version, @@GLOBAL.event_scheduler AS event_scheduler, v_event_status AS event_status,
         v_last_sweep_at AS last_sweep_at, v_lag_seconds AS sweep_lag_seconds, v_role AS role, v_node AS node,
         v_members_online AS members_online, v_members AS members, v_members_behind AS members_behind, UTC_TIMESTAMP(6) AS checked_at;
END $$

DELIMITER ;
