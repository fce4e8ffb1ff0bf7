-- A hold that ended, and why. Its idempotency key stays known, so that a late repeat is answered and not sold again.
CREATE TABLE hold_history (
  hold_id         BINARY(16)   NOT NULL COMMENT 'UUID version 7',
  hold_uuid       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (BIN_TO_UUID(hold_id)) VIRTUAL,
  product_id      INT UNSIGNED NOT NULL,
  qty             INT          NOT NULL,
  customer_id     VARCHAR(128)     NULL,
  idempotency_key VARCHAR(255)     NULL,
  created_at      DATETIME(6)  NOT NULL COMMENT 'UTC',
  expires_at      DATETIME(6)  NOT NULL COMMENT 'UTC',
  ended_at        DATETIME(6)  NOT NULL COMMENT 'UTC',
  ended_as        ENUM('ordered', 'expired', 'released') NOT NULL,
  PRIMARY KEY (hold_id),
  KEY ix_hold_history_idempotency_key (idempotency_key),
  CONSTRAINT ck_hold_history_qty CHECK (qty >= 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'holds that ended: ordered, expired or released';
