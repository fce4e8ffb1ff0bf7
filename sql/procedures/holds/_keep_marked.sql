DELIMITER $$

DROP PROCEDURE IF EXISTS _keep_marked $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _keep_marked (
  IN in_numbers JSON,
  IN in_mark CHAR(1),
  INOUT io_plan VARCHAR(100)
)
COMMENT '
Description
  Leaves the requests of a set alone that have this mark and are not among these numbers. The plan of a set is a text with a mark
  for each request, because that is found at once by its place.

Parameters
  in_numbers JSON     array of the numbers of requests, in any order; NULL for none
  in_mark    CHAR     p, it is plain so far; w, it wants units that are not there
  io_plan    VARCHAR  those that are left alone get an a

Locks
  none
'
BEGIN
  DECLARE v_at, v_number INT DEFAULT 0;

  IF COALESCE(JSON_LENGTH(in_numbers), 0) < CHAR_LENGTH(io_plan) - CHAR_LENGTH(REPLACE(io_plan, in_mark, '')) THEN
    SET io_plan = REPLACE(io_plan, in_mark, 'a');
  ELSE
    SET v_at = 100;
  END IF;
  WHILE v_at < JSON_LENGTH(in_numbers) DO
    SET v_number = JSON_EXTRACT(in_numbers, CONCAT('$[', v_at, ']')),
        io_plan = INSERT(io_plan, v_number, 1, in_mark),
        v_at = v_at + 1;
  END WHILE;
END $$

DELIMITER ;
