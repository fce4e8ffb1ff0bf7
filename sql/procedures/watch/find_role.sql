DELIMITER $$

DROP PROCEDURE IF EXISTS find_role $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE find_role ()
COMMENT '
Description
  Tells whether this node is the one that sells. In a group only one is, and only while it sees more than half of the group; a server
  without a group is it unless it is read-only. A program that knows several nodes asks each, and works with the one that says primary.

Parameters
  none

Result set
  role (primary: the sale can be written here; secondary, recovering: another node sells; minority: it sees half of its group or less;
  outside: it left its group or never joined; read_only), node (host and port under which the others know it), members_online and
  members (1 and 1 without a group; members: how many there should be), members_behind (transactions that the slowest of them has
  received and not applied), event_status (of sweep_expired on this node; NULL: it is missing)

Errors
  none

Locks
  none

Example
  mysql> CALL find_role()\\G
  *************************** 1. row ***************************
            role: primary
            node: 10.0.0.11:3306
  members_online: 3
         members: 3
  members_behind: 0
    event_status: ENABLED
'
BEGIN
  DECLARE v_role VARCHAR(16);
  DECLARE v_node VARCHAR(261);
  DECLARE v_members_online, v_members INT;
  DECLARE v_members_behind BIGINT;
  DECLARE v_event_status VARCHAR(32);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _read_role(v_role, v_node, v_members_online, v_members, v_members_behind);
  SELECT MAX(status)
    INTO v_event_status
    FROM information_schema.events
   WHERE event_schema = DATABASE() AND event_name = 'sweep_expired';
  COMMIT;

  SELECT v_role AS role, v_node AS node,
         v_members_online AS members_online, v_members AS members, v_members_behind AS members_behind,
         v_event_status AS event_status;
END $$

DELIMITER ;
