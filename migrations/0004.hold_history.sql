-- A hold that ended, and why. Its idempotency key stays known, so that a late repeat is answered and not sold again.
-- ix_hold_history_product_id_ended_at finds what happened last to a product (list_ledger): a quiet one would have to be looked for
-- among millions of rows of others. It is written when a hold ends, not when it is made; an entry costs about a microsecond of CPU.
CREATE TABLE hold_history (
  hold_id          BINARY(16)   NOT NULL COMMENT 'UUID version 7',
  hold_uuid        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (BIN_TO_UUID(hold_id)) VIRTUAL,
  product_id       INT UNSIGNED NOT NULL,
  qty              INT          NOT NULL,
  unit_price_minor BIGINT       NOT NULL COMMENT 'in minor units',
  customer_id      VARCHAR(128)     NULL,
  idempotency_key  VARCHAR(272)     NULL,
  created_at       DATETIME(6)  NOT NULL COMMENT 'UTC',
  expires_at       DATETIME(6)  NOT NULL COMMENT 'UTC',
  extended_at      DATETIME(6)      NULL COMMENT 'UTC; NULL: it was not extended',
  ended_at         DATETIME(6)  NOT NULL COMMENT 'UTC',
  ended_as         ENUM('ordered', 'expired', 'released', 'stopped') NOT NULL COMMENT 'stopped: an operator ended the sale',
  PRIMARY KEY (hold_id),
  KEY ix_hold_history_idempotency_key (idempotency_key),
  KEY ix_hold_history_customer_id (customer_id),
  KEY ix_hold_history_ended_as_ended_at (ended_as, ended_at),
  KEY ix_hold_history_product_id_ended_at (product_id, ended_at),
  CONSTRAINT ck_hold_history_qty              CHECK (qty >= 1),
  CONSTRAINT ck_hold_history_unit_price_minor CHECK (unit_price_minor >= 0),
  CONSTRAINT ck_hold_history_expires_at       CHECK (expires_at > created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'a hold that ended: ordered, expired, released or stopped';
