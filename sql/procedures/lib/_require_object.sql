DELIMITER $$

DROP PROCEDURE IF EXISTS _require_object $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_object (
  IN in_name VARCHAR(64),
  IN in_value LONGTEXT,
  IN in_most INT,
  OUT out_object JSON
)
COMMENT '
Description
  Refuses a text that is not a JSON object, or has more than in_most bytes, naming the parameter. NULL is none, and allowed. It takes
  a text: a JSON parameter would refuse broken JSON with an error of MySQL''s own, before anything could be said about it.

Errors
  invalid_argument
'
BEGIN
  BEGIN
    -- Broken JSON, a document that is nested too deeply, a name or a value that is too long.
    DECLARE EXIT HANDLER FOR 3140, 3141, 3150, 3151, 3157 SET out_object = NULL;
    SET out_object = IF(LENGTH(in_value) <= in_most, in_value, NULL);
  END;
  IF in_value IS NOT NULL AND (JSON_TYPE(out_object) COLLATE utf8mb4_0900_bin = 'OBJECT') IS NOT TRUE THEN
    CALL _raise('invalid_argument', CONCAT(in_name, ' must be a JSON object of at most ', in_most, ' bytes'), NULL);
  END IF;
END $$

DELIMITER ;
