-- The keys under which operators changed something, so that a repeat does nothing twice. Of all procedures in one table, for a key
-- belongs to what it did first, whichever tables that wrote.
CREATE TABLE operator_keys (
  idempotency_key VARCHAR(255)    NOT NULL COMMENT 'compared byte by byte',
  procedure_name  VARCHAR(64)     NOT NULL COMMENT 'what was called',
  parameters      JSON            NOT NULL COMMENT 'and with what, its key left out: an array',
  product_id      INT UNSIGNED        NULL COMMENT 'the product that create_product made; NULL: another procedure',
  account         VARCHAR(288)    NOT NULL COMMENT 'the account that used it first, as USER() names it',
  created_at      DATETIME(6)     NOT NULL COMMENT 'UTC',
  PRIMARY KEY (idempotency_key),
  KEY ix_operator_keys_created_at (created_at),
  CONSTRAINT ck_operator_keys_idempotency_key CHECK (idempotency_key <> '')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'a key under which an operator changed something, and what it changed';
