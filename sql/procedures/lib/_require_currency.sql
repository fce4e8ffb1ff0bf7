DELIMITER $$

DROP PROCEDURE IF EXISTS _require_currency $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_currency (
  IN in_value LONGTEXT
)
COMMENT '
Description
  Refuses a currency that is not three capital letters.

Errors
  invalid_argument
'
BEGIN
  IF (CHAR_LENGTH(in_value) = 3 AND REGEXP_LIKE(in_value, '^[A-Z]{3}$', 'c')) IS NOT TRUE THEN
    CALL _raise('invalid_argument', 'currency must be an ISO 4217 code of three capital letters, such as EUR', NULL);
  END IF;
END $$

DELIMITER ;
