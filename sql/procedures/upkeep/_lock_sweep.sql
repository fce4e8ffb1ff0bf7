DELIMITER $$

DROP PROCEDURE IF EXISTS _lock_sweep $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _lock_sweep (
  OUT out_ran BOOLEAN
)
COMMENT '
Description
  Takes the lock of the sweep, so that two never run at once, also when a run outlasts the interval of the EVENT. It belongs to the
  session, not to a transaction: its caller calls _unlock_sweep in the end, also when something fails.

Parameters
  out_ran BOOLEAN  FALSE: another session sweeps

Locks
  the named lock of the sweep, without waiting
'
BEGIN
  SET out_ran = GET_LOCK(LEFT(CONCAT('sweep.', DATABASE()), 64), 0);
END $$

DELIMITER ;
