DELIMITER $$

DROP PROCEDURE IF EXISTS _read_health $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _read_health (
  OUT out_status VARCHAR(8),
  OUT out_detail VARCHAR(255),
  OUT out_event_status VARCHAR(32),
  OUT out_last_sweep_at DATETIME(6),
  OUT out_lag_seconds DECIMAL(16, 6)
)
COMMENT '
Description
  Reads whether the sale can be served and whether the housekeeping runs. out_status is unable when nothing can be sold,
  degraded when the sale goes on but something is wrong, else ok. out_detail says what is wrong and what to do, NULL when
  nothing is; out_event_status is NULL when the EVENT is missing, out_last_sweep_at (UTC) when there was no sweep.

Locks
  none
'
BEGIN
  DECLARE v_event_age_seconds BIGINT;
  DECLARE v_collation VARCHAR(64);

  CALL _read_obstacle(out_detail);

  -- MAX: a row of NULLs when there is no EVENT. Its times are in the session's time zone, and UNIX_TIMESTAMP reads them so.
  SELECT MAX(status), MAX(UNIX_TIMESTAMP() - UNIX_TIMESTAMP(created))
    INTO out_event_status, v_event_age_seconds
    FROM information_schema.events
   WHERE event_schema = DATABASE() AND event_name = 'sweep_expired';
  SELECT (SELECT MAX(started_at) FROM sweep_heartbeat WHERE started_at <= UTC_TIMESTAMP(6)),
         (SELECT lag_seconds FROM sweep_lag),
         (SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE())
    INTO out_last_sweep_at, out_lag_seconds, v_collation;

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
      WHEN out_event_status <> 'ENABLED' THEN 'the EVENT is not enabled: ALTER DEFINER = flashsale_owner@localhost EVENT sweep_expired ENABLE'
      WHEN out_lag_seconds > 60 THEN 'expired units have been waiting for more than a minute: see sweep_heartbeat'
      WHEN out_last_sweep_at < UTC_TIMESTAMP(6) - INTERVAL 60 SECOND THEN 'no sweep for more than a minute: see the error log'
      WHEN out_last_sweep_at IS NULL AND v_event_age_seconds > 60 THEN 'the sweep has never run: see the error log, and CALL sweep()'
    END;
    SET out_status = IF(out_detail IS NULL, 'ok', 'degraded');
  END IF;
END $$

DELIMITER ;
