ALTER TABLE orders
  ADD COLUMN refunded_minor BIGINT NOT NULL DEFAULT 0 COMMENT 'given back so far, in minor units' AFTER currency,
  ADD CONSTRAINT ck_orders_refunded_minor CHECK (refunded_minor BETWEEN 0 AND amount_minor);
