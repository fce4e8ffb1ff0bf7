DELIMITER $$

DROP PROCEDURE IF EXISTS check_invariants $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE check_invariants ()
COMMENT '
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
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT violation, product_id, detail FROM invariant_violations;
  COMMIT;
END $$

DELIMITER ;
