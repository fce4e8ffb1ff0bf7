DELIMITER $$

DROP PROCEDURE IF EXISTS _read_health $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _read_health (
  OUT out_detail VARCHAR(255),
  OUT out_event_status VARCHAR(32),
  OUT out_last_sweep_at DATETIME(6),
  OUT out_lag_seconds DECIMAL(16, 6)
)
COMMENT '
Description
  Reads whether the housekeeping runs. out_detail says what is wrong and what to do, NULL when nothing is; out_event_status
  is NULL when the EVENT is missing, out_last_sweep_at (UTC) when there was no sweep.

Locks
  none
'
BEGIN
  SELECT (SELECT status FROM information_schema.events WHERE event_schema = DATABASE() AND event_name = 'sweep_expired'),
         (SELECT MAX(started_at) FROM sweep_heartbeat WHERE started_at <= UTC_TIMESTAMP(6)),
         (SELECT lag_seconds FROM sweep_lag)
    INTO out_event_status, out_last_sweep_at, out_lag_seconds;

  SET out_detail = CASE
    WHEN @@GLOBAL.event_scheduler <> 'ON' THEN 'event_scheduler is not ON: SET GLOBAL event_scheduler = ON'
    WHEN out_event_status IS NULL THEN 'the EVENT sweep_expired is missing: run the migration'
    WHEN out_event_status <> 'ENABLED' THEN 'the EVENT is not enabled: ALTER DEFINER = flashsale_owner@localhost EVENT sweep_expired ENABLE'
    WHEN out_lag_seconds > 60 THEN 'expired units have been waiting for more than a minute: see sweep_heartbeat'
    WHEN out_last_sweep_at < UTC_TIMESTAMP(6) - INTERVAL 60 SECOND THEN 'no sweep for more than a minute: see the error log'
  END;
END $$

DELIMITER ;
