-- Owns every procedure, view and event (DEFINER), so that callers need EXECUTE and nothing else. Nobody logs in as it.
CREATE USER IF NOT EXISTS flashsale_owner@localhost ACCOUNT LOCK;
GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE, EVENT ON * TO flashsale_owner@localhost;
-- Which part the server has in a group, if it is in one.
GRANT SELECT ON performance_schema.replication_group_members TO flashsale_owner@localhost;
GRANT SELECT ON performance_schema.replication_group_member_stats TO flashsale_owner@localhost;
