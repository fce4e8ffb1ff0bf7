-- What of a customer's units is not paid yet, and until when a customer has to pause.
ALTER TABLE customer_units
  ADD COLUMN unpaid_units INT         NOT NULL DEFAULT 0 COMMENT 'of units: those in live holds and unpaid orders',
  ADD COLUMN paused_until DATETIME(6)     NULL COMMENT 'UTC; the customer may not hold before; NULL: never had to pause',
  ADD CONSTRAINT ck_customer_units_unpaid_units CHECK (unpaid_units BETWEEN 0 AND units);
