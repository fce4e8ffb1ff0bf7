DELIMITER $$

DROP PROCEDURE IF EXISTS _require_text $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_text (
  IN in_name VARCHAR(64),
  IN in_value LONGTEXT,
  IN in_most INT
)
COMMENT '
Description
  Refuses a text that is NULL, empty or longer than in_most characters, naming the parameter.

Errors
  invalid_argument
'
BEGIN
  IF (CHAR_LENGTH(in_value) BETWEEN 1 AND in_most) IS NOT TRUE THEN
    CALL _raise('invalid_argument', CONCAT(in_name, ' must be a text of 1 to ', in_most, ' characters'), NULL);
  END IF;
END $$

DELIMITER ;
