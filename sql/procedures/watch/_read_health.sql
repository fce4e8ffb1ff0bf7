DELIMITER $$

DROP PROCEDURE IF EXISTS _read_health $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _read_health (
  OUT out_status VARCHAR(8),
  OUT out_detail VARCHAR(255),
  OUT out_event_status VARCHAR(32),
  OUT out_last_sweep_at DATETIME(6),
  OUT out_lag_seconds DECIMAL(16, 6),
  OUT out_late_seconds INT,
  OUT out_role VARCHAR(16),
  OUT out_node VARCHAR(261),
  OUT out_members_online INT,
  OUT out_members INT,
  OUT out_members_behind BIGINT,
  OUT out_late_transactions INT
)
COMMENT '
Description
  Reads whether the sale can be served and whether the housekeeping runs. out_status is unable when nothing can be sold,
  degraded when the sale goes on but something is wrong, else ok. out_detail says what is wrong and what to do, NULL when
  nothing is; out_event_status is NULL when the EVENT is missing, out_last_sweep_at (UTC) when there was no sweep; out_late_seconds is from how many
  seconds of lag on, or since the last sweep, the sweep is late. Those from out_role on are of _read_role; out_late_transactions is how many
  transactions a node may be behind.

Locks
  none
'
BEGIN
  DECLARE v_event_age_seconds BIGINT;
  DECLARE v_is_late, v_has_stopped BOOLEAN;
  DECLARE v_collation VARCHAR(64);

  CALL _read_obstacle(out_detail);
  CALL _read_role(out_role, out_node, out_members_online, out_members, out_members_behind);
  -- A member of a group is read-only for a reason; to make it writable by hand would part it from the group for ever.
  SET out_detail = CASE out_role
    WHEN 'secondary' THEN 'another node of the group sells, this one is a secondary: use the primary'
    WHEN 'recovering' THEN 'this node is joining its group and does not sell: use the primary'
    WHEN 'minority' THEN 'this node sees half of its group or less, nothing can be sold here: mend the network, or start the others'
    WHEN 'outside' THEN 'this node is outside its group, nothing can be sold here: START GROUP_REPLICATION, and never SET super_read_only = OFF'
    WHEN 'read_only' THEN IF(out_members > 1, 'this node takes over its group, in a moment it sells', out_detail)
    ELSE out_detail
  END;

  -- MAX: a row of NULLs when there is no EVENT. Its times are in the session's time zone, and UNIX_TIMESTAMP reads them so.
  SELECT MAX(status), MAX(UNIX_TIMESTAMP() - UNIX_TIMESTAMP(created))
    INTO out_event_status, v_event_age_seconds
    FROM information_schema.events
   WHERE event_schema = DATABASE() AND event_name = 'sweep_expired';
  SET out_late_transactions = 10000;
  SELECT h.late_seconds, h.lag_seconds, h.is_late, h.last_sweep_at, h.has_stopped,
         (SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE())
    INTO out_late_seconds, out_lag_seconds, v_is_late, out_last_sweep_at, v_has_stopped, v_collation
    FROM sweep_health AS h;

  IF out_detail IS NOT NULL THEN
    SET out_status = 'unable';
  ELSE
    SET out_detail = CASE
      WHEN v_collation <> 'utf8mb4_0900_bin'
        THEN 'the collation of the database is wrong: ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin, then run the migration'
      -- A procedure keeps the collation that the database had when it was created.
      WHEN COLLATION(v_collation) <> 'utf8mb4_0900_bin' THEN 'the procedures have a wrong collation: run the migration'
      WHEN @@GLOBAL.event_scheduler <> 'ON' THEN 'event_scheduler is not ON: SET GLOBAL event_scheduler = ON'
      WHEN out_event_status IS NULL THEN 'the EVENT sweep_expired is missing: run the migration'
      WHEN out_event_status LIKE '%SIDE_DISABLED' THEN 'the EVENT is disabled since another node created it: CALL resume_sweep()'
      WHEN out_event_status <> 'ENABLED' THEN 'the EVENT is not enabled: ALTER DEFINER = flashsale_owner@localhost EVENT sweep_expired ENABLE'
      WHEN v_is_late THEN CONCAT('expired units have been waiting for more than ', out_late_seconds, ' s: see sweep_heartbeat')
      WHEN v_has_stopped THEN CONCAT('no sweep for more than ', out_late_seconds, ' s: see the error log')
      WHEN out_members_online < out_members
        THEN CONCAT(out_members_online, ' of ', out_members, ' nodes of the group are online: start the others, or see their error logs')
      WHEN out_members_behind > out_late_transactions THEN CONCAT('a node of the group is ', out_members_behind, ' transactions behind: look at its disk and CPU')
      WHEN out_last_sweep_at IS NULL AND v_event_age_seconds > out_late_seconds THEN 'the sweep has never run: see the error log, and CALL sweep()'
    END;
    SET out_status = IF(out_detail IS NULL, 'ok', 'degraded');
  END IF;
END $$

DELIMITER ;
