DELIMITER $$

DROP PROCEDURE IF EXISTS _require_set $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_set (
  IN in_name VARCHAR(64),
  IN in_requests LONGTEXT,
  OUT out_requests JSON,
  OUT out_count INT
)
COMMENT '
Description
  Reads a set of requests, naming the parameter when it is none. It takes a text: a JSON parameter would refuse broken JSON with an
  error of MySQL''s own, before anything could be said about it.

Parameters
  out_requests JSON  the array, parsed once
  out_count    INT   its elements, whatever they are

Errors
  invalid_argument  it is no JSON array of 1 to 100 elements
'
BEGIN
  BEGIN
    -- Broken JSON, a document that is nested too deeply, a member's name or a value that is too long.
    DECLARE EXIT HANDLER FOR 3140, 3141, 3150, 3151, 3157 SET out_count = NULL;
    SET out_requests = in_requests, out_count = IF(JSON_TYPE(out_requests) COLLATE utf8mb4_0900_bin = 'ARRAY', JSON_LENGTH(out_requests), NULL);
  END;
  IF (out_count BETWEEN 1 AND 100) IS NOT TRUE THEN
    CALL _raise('invalid_argument', CONCAT(in_name, ' must be a JSON array of 1 to 100 elements'), NULL);
  END IF;
END $$

DELIMITER ;
