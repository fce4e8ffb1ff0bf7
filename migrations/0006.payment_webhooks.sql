-- The inbox: each payment event once, as received, with what it did. It may be here before its order is.
CREATE TABLE payment_webhooks (
  webhook_id        BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  idempotency_key   VARCHAR(255)    NOT NULL COMMENT 'the provider''s id of the event; compared byte by byte',
  order_id          BINARY(16)      NOT NULL,
  order_uuid        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (BIN_TO_UUID(order_id)) VIRTUAL,
  payment_status    ENUM('succeeded', 'failed', 'refunded') NOT NULL,
  amount_minor      BIGINT              NULL COMMENT 'minor units; NULL: the event named none',
  currency          CHAR(3)             NULL COMMENT 'ISO 4217; NULL: the event named none',
  occurred_at       DATETIME(6)         NULL COMMENT 'UTC, by the provider''s clock; kept, never decided by',
  payload           JSON                NULL COMMENT 'the event as received',
  outcome           ENUM('parked', 'applied', 'ignored', 'amount_mismatch', 'refund_due') NOT NULL,
  reason            VARCHAR(255)        NULL COMMENT 'why it did not do what it asked for',
  deliveries        INT UNSIGNED    NOT NULL COMMENT 'how often the provider sent it',
  first_received_at DATETIME(6)     NOT NULL COMMENT 'UTC',
  last_received_at  DATETIME(6)     NOT NULL COMMENT 'UTC',
  settled_at        DATETIME(6)         NULL COMMENT 'UTC; when its outcome was decided; NULL while parked',
  PRIMARY KEY (webhook_id),
  UNIQUE KEY uq_payment_webhooks_idempotency_key (idempotency_key),
  KEY ix_payment_webhooks_order_id (order_id),
  KEY ix_payment_webhooks_outcome_first_received_at (outcome, first_received_at),
  CONSTRAINT ck_payment_webhooks_idempotency_key CHECK (idempotency_key <> ''),
  CONSTRAINT ck_payment_webhooks_amount_minor    CHECK (amount_minor >= 0),
  CONSTRAINT ck_payment_webhooks_deliveries      CHECK (deliveries >= 1),
  CONSTRAINT ck_payment_webhooks_settled_at      CHECK ((outcome = 'parked') = (settled_at IS NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'the inbox of payment events';
