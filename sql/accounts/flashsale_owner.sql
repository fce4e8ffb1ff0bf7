-- Owns every procedure, view and event (DEFINER), so that callers need EXECUTE and nothing else. Nobody logs in as it.
CREATE USER IF NOT EXISTS flashsale_owner@localhost ACCOUNT LOCK;
GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE, EVENT ON * TO flashsale_owner@localhost;
