DELIMITER $$

DROP PROCEDURE IF EXISTS _require_number $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_number (
  IN in_name VARCHAR(64),
  IN in_value LONGTEXT,
  IN in_least BIGINT,
  IN in_most BIGINT
)
COMMENT '
Description
  Refuses a whole number that is NULL or out of bounds, naming the parameter. It takes the number as a text: as a BIGINT, 129.00
  and 1.5 would have been rounded before anything could refuse them.

Errors
  invalid_argument
'
BEGIN
  IF (REGEXP_LIKE(in_value, '^-?[0-9]{1,19}\\z') AND CAST(in_value AS DECIMAL(20)) BETWEEN in_least AND in_most) IS NOT TRUE THEN
    CALL _raise('invalid_argument', CONCAT(in_name, ' must be a whole number from ', in_least, ' to ', in_most), NULL);
  END IF;
END $$

DELIMITER ;
