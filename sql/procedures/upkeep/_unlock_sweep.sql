DELIMITER $$

DROP PROCEDURE IF EXISTS _unlock_sweep $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _unlock_sweep ()
COMMENT '
Description
  Gives the lock of _lock_sweep back; does nothing when this session has not got it.

Locks
  none
'
BEGIN
  DO RELEASE_LOCK(LEFT(CONCAT('sweep.', DATABASE()), 64));
END $$

DELIMITER ;
