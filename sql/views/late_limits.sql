DELIMITER $$

-- One row: how late is late. For so many seconds something may wait for the sweep, or the sweep for its next run: many runs of an EVENT that
-- runs every second. So many transactions the slowest node of a group may have received and not applied.
-- The health check, the board, the invariants and, by its metrics, the alerts ask here.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW late_limits AS
SELECT 60 AS sweep_late_seconds, 10000 AS members_late_transactions $$

DELIMITER ;
