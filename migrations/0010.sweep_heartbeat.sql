-- The last runs of the sweep: a sweep that stopped shows here before a buyer could notice.
CREATE TABLE sweep_heartbeat (
  run_id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  started_at       DATETIME(6)     NOT NULL COMMENT 'UTC',
  holds_expired    INT             NOT NULL,
  orders_expired   INT             NOT NULL,
  orders_made      INT             NOT NULL COMMENT 'of paid holds that nobody ordered',
  payments_settled INT             NOT NULL COMMENT 'payments that waited for an order that can never come',
  lag_seconds      DECIMAL(16, 6)  NOT NULL COMMENT 'how long the oldest of them had been due when the run began',
  PRIMARY KEY (run_id),
  KEY ix_sweep_heartbeat_started_at (started_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'one of the last 3,600 runs of the sweep';
