DELIMITER $$

DROP PROCEDURE IF EXISTS resume_sweep $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE resume_sweep ()
COMMENT '
Description
  Enables the EVENT sweep_expired on this node, where it was created by another: MySQL disables it there, and so it is on a node that
  joined a group by recovery and became its primary. The API calls it when it begins to work with a node. No other node is told of it,
  for that would disable the EVENT there. On a node that does not sell it changes nothing.

Parameters
  none

Result set
  resumed (1: the EVENT was not enabled, and is now), role (as find_role), event_status (NULL: the EVENT is missing: run the migration)

Errors
  none

Locks
  none

Example
  mysql> CALL resume_sweep()\\G
  *************************** 1. row ***************************
       resumed: 0
          role: primary
  event_status: ENABLED
'
BEGIN
  DECLARE v_role VARCHAR(16);
  DECLARE v_node VARCHAR(261);
  DECLARE v_members_online, v_members INT;
  DECLARE v_members_behind BIGINT;
  DECLARE v_event_status VARCHAR(32);
  DECLARE v_resumed BOOLEAN DEFAULT FALSE;
  DECLARE v_logged BOOLEAN DEFAULT @@SESSION.sql_log_bin;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265
    BEGIN
      ROLLBACK;
      IF v_logged <> @@SESSION.sql_log_bin THEN
        SET SESSION sql_log_bin = v_logged;
      END IF;
      RESIGNAL;
    END;

    CALL _read_role(v_role, v_node, v_members_online, v_members, v_members_behind);
    SELECT MAX(status)
      INTO v_event_status
      FROM information_schema.events
     WHERE event_schema = DATABASE() AND event_name = 'sweep_expired';
    COMMIT;
    IF v_role = 'primary' AND v_event_status IN ('REPLICA_SIDE_DISABLED', 'SLAVESIDE_DISABLED') THEN
      BEGIN
        -- The owner may do so in a group. Elsewhere, between a source and its replica, the replica disables its own again, as is right.
        DECLARE CONTINUE HANDLER FOR 1227 BEGIN END;
        SET SESSION sql_log_bin = 0;
      END;
      -- Without the DEFINER the EVENT would become the caller's.
      ALTER DEFINER = flashsale_owner@localhost EVENT sweep_expired ENABLE;
      IF v_logged <> @@SESSION.sql_log_bin THEN
        SET SESSION sql_log_bin = v_logged;
      END IF;
      SET v_resumed = TRUE, v_event_status = 'ENABLED';
    END IF;
  END;

  SELECT v_resumed AS resumed, v_role AS role, v_event_status AS event_status;
END $$

DELIMITER ;
