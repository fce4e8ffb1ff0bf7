DELIMITER $$

DROP PROCEDURE IF EXISTS end_call $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE end_call (
  IN in_connection_id LONGTEXT
)
COMMENT '
Description
  Ends a session: one that is inside a CALL which its caller has given up. What the CALL has not committed is rolled back. Call it again
  until gone is 1; a session that waits for a lock is gone in a few milliseconds.

Parameters
  in_connection_id BIGINT  the session, by its CONNECTION_ID()

Result set
  connection_id, gone (1: there is no such session any more; 0: it was told to end, or it is not inside a CALL, or at the COMMIT
  of one, which is never interrupted)

Errors
  invalid_argument  the number is NULL or less than 1

Locks
  none

Example
  mysql> CALL end_call(4711);
  +---------------+------+
  | connection_id | gone |
  +---------------+------+
  |          4711 |    1 |
  +---------------+------+
  mysql> CALL end_call(0);
  ERROR 31301 (45422): invalid_argument: connection_id must be a whole number from 1 to 9223372036854775807
'
BEGIN
  DECLARE v_connection_id BIGINT UNSIGNED;
  DECLARE v_gone BOOLEAN DEFAULT FALSE;
  DECLARE v_committing BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;
    -- Inside a CALL a session acts as flashsale_owner, so its own account may not KILL it (1095). This procedure acts as that, too,
    -- and so may end sessions inside a CALL, and no others.
    CALL _require_number('connection_id', in_connection_id, 1, 9223372036854775807);
    SET v_connection_id = in_connection_id;
    -- What is being committed can't be called back, and on a full disk, where MySQL holds the COMMIT until there is room, a KILL
    -- would end the whole server (binlog_error_action).
    SELECT COUNT(*)
      INTO v_committing
      FROM information_schema.processlist
     WHERE id = v_connection_id AND state = 'waiting for handler commit';
    IF NOT v_committing THEN
      BEGIN
        DECLARE EXIT HANDLER FOR 1094 SET v_gone = TRUE;
        DECLARE EXIT HANDLER FOR 1095 SET v_gone = FALSE;
        KILL CONNECTION v_connection_id;
      END;
    END IF;
  END;
  SELECT v_connection_id AS connection_id, v_gone AS gone;
  COMMIT;
END $$

DELIMITER ;
