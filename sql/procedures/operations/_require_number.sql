DELIMITER $$

DROP PROCEDURE IF EXISTS _require_number $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_number (
  IN in_name VARCHAR(64),
  IN in_value BIGINT,
  IN in_least BIGINT,
  IN in_most BIGINT
)
COMMENT '
Description
  Refuses a whole number that is NULL or out of bounds, naming the parameter.

Errors
  invalid_argument
'
BEGIN
  IF (in_value BETWEEN in_least AND in_most) IS NOT TRUE THEN
    CALL _raise('invalid_argument', CONCAT(in_name, ' must be a whole number from ', in_least, ' to ', in_most));
  END IF;
END $$

DELIMITER ;
