ALTER TABLE customer_units DROP CHECK ck_customer_units_unpaid_units, DROP COLUMN unpaid_units, DROP COLUMN paused_until;
