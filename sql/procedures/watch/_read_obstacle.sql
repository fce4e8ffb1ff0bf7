DELIMITER $$

DROP PROCEDURE IF EXISTS _read_obstacle $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _read_obstacle (
  OUT out_obstacle VARCHAR(255)
)
COMMENT '
Description
  Reads what keeps this server from selling at all, and what to do: NULL when nothing does. The deployment asks the same of a
  server before it creates anything there; it takes the CASE from this file, so it may use global settings only.

Locks
  none
'
BEGIN
  -- Every purchase writes at READ COMMITTED, which the binary log takes by rows only (error 1665); MIXED turns to rows by itself.
  SET out_obstacle = CASE
    WHEN @@GLOBAL.innodb_read_only THEN 'innodb_read_only is ON, nothing can be sold: start MySQL without it'
    WHEN @@GLOBAL.innodb_force_recovery > 0 THEN 'innodb_force_recovery is not 0, nothing can be sold: start MySQL without it'
    WHEN @@GLOBAL.read_only OR @@GLOBAL.super_read_only
      THEN 'read_only is ON, nothing can be sold: use the primary, or if this is the one, SET GLOBAL read_only = OFF'
    WHEN @@GLOBAL.transaction_read_only
      THEN 'transaction_read_only is ON, nothing can be sold: SET GLOBAL transaction_read_only = OFF, and in its configuration'
    WHEN @@GLOBAL.log_bin AND @@GLOBAL.binlog_format = 'STATEMENT'
      THEN 'binlog_format is STATEMENT, nothing can be sold: SET GLOBAL binlog_format = ROW, and in its configuration'
  END;
END $$

DELIMITER ;
