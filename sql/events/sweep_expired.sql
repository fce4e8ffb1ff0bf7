DELIMITER $$

DROP EVENT IF EXISTS sweep_expired $$

CREATE DEFINER = flashsale_owner@localhost EVENT sweep_expired
  ON SCHEDULE EVERY 1 SECOND
  ON COMPLETION PRESERVE
  ENABLE
  COMMENT 'housekeeping: gives back what expired; the rule itself does not depend on it'
  DO BEGIN
    DECLARE v_role VARCHAR(16);
    DECLARE v_node VARCHAR(261);
    DECLARE v_members_online, v_members INT;
    DECLARE v_members_behind BIGINT;

    -- In a group the EVENT is on every node. One outside its group that swept, were it only a heartbeat, could never join again.
    CALL _read_role(v_role, v_node, v_members_online, v_members, v_members_behind);
    IF v_role = 'primary' THEN
      CALL sweep();
    END IF;
  END $$

DELIMITER ;
