DELIMITER $$

DROP PROCEDURE IF EXISTS _read_role $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _read_role (
  OUT out_role VARCHAR(16),
  OUT out_node VARCHAR(261),
  OUT out_members_online INT,
  OUT out_members INT,
  OUT out_members_behind BIGINT
)
COMMENT '
Description
  Reads which part this node has in its group: primary when the sale can be written here, which is also what a server without a group
  is; else secondary, recovering, minority, outside or read_only. out_node is the host and port under which the others know it,
  out_members how many nodes the group should have, 1 without a
  group; out_members_behind the transactions that the slowest of them has received and not applied.

Locks
  none
'
BEGIN
  DECLARE v_members, v_unreachable, v_seeds INT;
  DECLARE v_state, v_part VARCHAR(64);

  SET out_node = CONCAT(COALESCE(@@GLOBAL.report_host, @@GLOBAL.hostname), ':', @@GLOBAL.port);
  -- Without a group there is no row. A node outside its group has one, of itself: it must not pass for a server without a group,
  -- for what it wrote by itself would keep it out for ever.
  SELECT COUNT(*), COALESCE(SUM(member_state = 'ONLINE'), 0), COALESCE(SUM(member_state = 'UNREACHABLE'), 0),
         MAX(IF(member_id = @@GLOBAL.server_uuid, member_state, NULL)), MAX(IF(member_id = @@GLOBAL.server_uuid, member_role, NULL))
    INTO v_members, out_members_online, v_unreachable, v_state, v_part
    FROM performance_schema.replication_group_members;
  IF v_members = 0 THEN
    SET out_role = IF(@@GLOBAL.read_only OR @@GLOBAL.super_read_only, 'read_only', 'primary'),
        out_members_online = 1, out_members = 1, out_members_behind = 0;
  ELSE
    -- A member that died is in no view any more; the seeds name all. The variable exists only where the plugin is loaded.
    SELECT MAX(1 + LENGTH(variable_value) - LENGTH(REPLACE(variable_value, ',', '')))
      INTO v_seeds
      FROM performance_schema.global_variables
     WHERE variable_name = 'group_replication_group_seeds';
    SELECT COALESCE(MAX(count_transactions_remote_in_applier_queue), 0)
      INTO out_members_behind
      FROM performance_schema.replication_group_member_stats;
    SET out_members = GREATEST(v_members, COALESCE(v_seeds, 0)),
        out_role = CASE
          WHEN v_state = 'RECOVERING' THEN 'recovering'
          WHEN v_state = 'ONLINE' AND 2 * v_unreachable >= v_members THEN 'minority'
          WHEN v_state = 'ONLINE' AND v_part <> 'PRIMARY' THEN 'secondary'
          -- A primary that was elected just now takes writes when it has applied what the one before it acknowledged.
          WHEN v_state = 'ONLINE' THEN IF(@@GLOBAL.super_read_only, 'read_only', 'primary')
          ELSE 'outside'
        END;
  END IF;
END $$

DELIMITER ;
