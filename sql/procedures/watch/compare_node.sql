DELIMITER $$

DROP PROCEDURE IF EXISTS compare_node $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE compare_node (
  IN in_executed LONGTEXT
)
COMMENT '
Description
  Tells whether this node has all that another had. A program that reads from secondaries asks the node that sells first, with NULL, and
  notes when it asked; a secondary that is given its answer and says complete has everything that was acknowledged before that moment.
  So what is read there afterwards is not older than the time since then, by the clock of the program alone.

Parameters
  in_executed TEXT  the executed of another node; NULL: nothing is compared

Result set
  role (as find_role), executed (the transactions that are committed on this node, as a set of GTIDs), complete (1: this node is a
  secondary of its group, and has all of in_executed; 0: not so; NULL: nothing was compared)

Errors
  invalid_argument  in_executed is no set of GTIDs

Locks
  none

Example
  mysql> CALL compare_node(''f1a54a1e-0000-4000-8000-000000000001:1-4711'')\\G
  *************************** 1. row ***************************
      role: secondary
  executed: f1a54a1e-0000-4000-8000-000000000001:1-4713
  complete: 1
  mysql> CALL compare_node(''yesterday'');
  ERROR 31301 (45422): invalid_argument: executed must be a set of GTIDs, as compare_node(NULL) shows them
'
BEGIN
  DECLARE v_role VARCHAR(16);
  DECLARE v_node VARCHAR(261);
  DECLARE v_members_online, v_members INT;
  DECLARE v_members_behind BIGINT;
  DECLARE v_executed LONGTEXT;
  DECLARE v_has_all BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _read_role(v_role, v_node, v_members_online, v_members, v_members_behind);
    SET v_executed = REPLACE(@@GLOBAL.gtid_executed, '\n', '');
    BEGIN
      DECLARE EXIT HANDLER FOR 1772
        CALL _raise('invalid_argument', 'executed must be a set of GTIDs, as compare_node(NULL) shows them', NULL);
      SET v_has_all = GTID_SUBSET(in_executed, v_executed);
    END;
    COMMIT;
  END;

  -- Two servers without a group both sell, and neither has what the other has: only a secondary is complete.
  SELECT v_role AS role, v_executed AS executed, IF(v_has_all IS NULL, NULL, v_role = 'secondary' AND v_has_all) AS complete;
END $$

DELIMITER ;
