DELIMITER $$

-- What must never be: a row for each violation. One statement, so one snapshot, so it is exact under load.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW invariant_violations AS
SELECT violation, product_id, detail FROM unit_violations
 UNION ALL
SELECT violation, product_id, detail FROM hold_violations
 UNION ALL
SELECT violation, product_id, detail FROM money_violations
 UNION ALL
SELECT violation, product_id, detail FROM inbox_violations
 UNION ALL
SELECT violation, product_id, detail FROM action_violations
 UNION ALL
SELECT violation, product_id, detail FROM notification_violations
 UNION ALL
SELECT violation, product_id, detail FROM housekeeping_violations $$

DELIMITER ;
