-- Each change of stock_total, the first stock included: who, when, why.
CREATE TABLE stock_adjustments (
  adjustment_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  product_id    INT UNSIGNED    NOT NULL,
  delta         INT             NOT NULL COMMENT 'units added, or withdrawn when negative',
  reason        VARCHAR(255)    NOT NULL,
  account       VARCHAR(288)    NOT NULL COMMENT 'the account that asked for it, as USER() names it',
  created_at    DATETIME(6)     NOT NULL COMMENT 'UTC',
  PRIMARY KEY (adjustment_id),
  KEY ix_stock_adjustments_product_id (product_id),
  CONSTRAINT fk_stock_adjustments_product_id FOREIGN KEY (product_id) REFERENCES products (product_id),
  CONSTRAINT ck_stock_adjustments_reason     CHECK (reason <> '')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'a change of stock_total: who, when, why';
