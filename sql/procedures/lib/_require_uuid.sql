DELIMITER $$

DROP PROCEDURE IF EXISTS _require_uuid $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_uuid (
  IN in_name VARCHAR(64),
  IN in_value LONGTEXT
)
COMMENT '
Description
  Refuses an id that is not a UUID in its usual form of 36 characters, naming the parameter.

Errors
  invalid_argument
'
BEGIN
  IF (CHAR_LENGTH(in_value) = 36 AND IS_UUID(in_value)) IS NOT TRUE THEN
    CALL _raise('invalid_argument', CONCAT(in_name, ' must be a UUID of 36 characters, as create_hold returned it'), NULL);
  END IF;
END $$

DELIMITER ;
