-- What an operator did by a procedure, other than changing the stock: who, what, why. stock_ledger shows it among the rest.
CREATE TABLE operator_actions (
  action_id  BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  action     ENUM('set_price', 'set_sale_window', 'set_limits', 'stop_sale', 'pause_sale', 'resume_sale', 'archive_product',
                  'cancel_order', 'accept_payment', 'record_refund', 'reprocess_webhook', 'forget_customer') NOT NULL,
  product_id INT UNSIGNED        NULL COMMENT 'NULL: not of one product',
  order_id   BINARY(16)          NULL,
  order_uuid CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (BIN_TO_UUID(order_id)) VIRTUAL,
  payment_id VARCHAR(255)        NULL,
  detail     VARCHAR(255)        NULL COMMENT 'what it became',
  reason     VARCHAR(255)    NOT NULL,
  account    VARCHAR(288)    NOT NULL COMMENT 'the account that asked for it, as USER() names it',
  created_at DATETIME(6)     NOT NULL COMMENT 'UTC',
  PRIMARY KEY (action_id),
  KEY ix_operator_actions_product_id (product_id),
  KEY ix_operator_actions_order_id (order_id),
  CONSTRAINT fk_operator_actions_product_id FOREIGN KEY (product_id) REFERENCES products (product_id),
  CONSTRAINT ck_operator_actions_reason     CHECK (reason <> '')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'anything else that an operator did by a procedure: who, when, why';
