DELIMITER $$

DROP PROCEDURE IF EXISTS help $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE help (
  IN in_name LONGTEXT
)
COMMENT '
Description
  Prints the documentation of a public procedure, or lists all of them, or those that have to do with a word.

Parameters
  in_name TEXT  the procedure; an empty text or NULL lists all; else a text that is looked for in names, descriptions and errors,
                in small or capital letters

Result set
  area (catalog, holds, orders, payments, notifications, upkeep, watch), name, documentation: one row for in_name; or for each procedure how its
  description begins, in 56 characters, area by area

Errors
  invalid_argument  no public procedure has this name, and none says anything of it

Locks
  none

Example
  mysql> CALL help(''check_invariants'')\\G
  *************************** 1. row ***************************
           area: watch
           name: check_invariants
  documentation: 
  Description
    Looks for anything that must never be: units that do not add up, a hold used twice, a payment parked beside its order.
    It reads one snapshot, so it is exact in the middle of a sale. It walks over everything, so its cost grows with all of it.

  Parameters
    none

  Result set
    violation, product_id (NULL: not of one product), detail; no row when all is well

  Errors
    none

  Locks
    none

  Example
    mysql> CALL check_invariants();
    Empty set
  mysql> CALL help(''extension_not_allowed'');
  +-------+-------------+------------------------------+
  | area  | name        | documentation                |
  +-------+-------------+------------------------------+
  | holds | extend_hold | Lets a live hold live longer |
  +-------+-------------+------------------------------+
  mysql> CALL help(''teleport'');
  ERROR 31301 (45422): invalid_argument: name must be a public procedure or a word of one''s help; CALL help('''') lists them
'
BEGIN
  DECLARE v_known, v_found BOOLEAN;
  DECLARE v_text LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin DEFAULT LOWER(COALESCE(in_name, ''));

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    SELECT COALESCE(SUM(routine_name = in_name), 0),
           COUNT(IF(LOCATE(v_text, LOWER(CONVERT(CONCAT(routine_name, ' ', SUBSTRING_INDEX(routine_comment, '\nParameters', 1),
                                                SUBSTRING_INDEX(SUBSTRING_INDEX(routine_comment, '\nLocks\n', 1), '\nErrors\n', -1)) USING utf8mb4)) COLLATE utf8mb4_0900_bin), 1, NULL))
      INTO v_known, v_found
      FROM information_schema.routines
      JOIN procedure_areas ON name = routine_name
     WHERE routine_schema = DATABASE();
    IF NOT v_found THEN
      CALL _raise('invalid_argument', 'name must be a public procedure or a word of one''s help; CALL help('''') lists them', NULL);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT area,
         name,
         IF(v_known, routine_comment,
            REGEXP_REPLACE(REGEXP_SUBSTR(routine_comment, '(?<=Description\n  )[^.,:;(]*[^.,:;( ]'), '\\s+', ' ')) AS documentation
    FROM information_schema.routines
    JOIN procedure_areas ON name = routine_name
   WHERE routine_schema = DATABASE()
     AND IF(v_known, routine_name = in_name,
            LOCATE(v_text, LOWER(CONVERT(CONCAT(routine_name, ' ', SUBSTRING_INDEX(routine_comment, '\nParameters', 1),
                                        SUBSTRING_INDEX(SUBSTRING_INDEX(routine_comment, '\nLocks\n', 1), '\nErrors\n', -1)) USING utf8mb4)) COLLATE utf8mb4_0900_bin))
   ORDER BY FIELD(area, 'catalog', 'holds', 'orders', 'payments', 'notifications', 'upkeep', 'watch'), CAST(name AS BINARY);
  COMMIT;
END $$

DELIMITER ;
