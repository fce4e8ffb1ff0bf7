DELIMITER $$

DROP EVENT IF EXISTS sweep_expired $$

CREATE DEFINER = flashsale_owner@localhost EVENT sweep_expired
  ON SCHEDULE EVERY 1 SECOND
  ON COMPLETION PRESERVE
  ENABLE
  COMMENT 'housekeeping: gives back what expired; the rule itself does not depend on it'
  DO CALL sweep() $$

DELIMITER ;
