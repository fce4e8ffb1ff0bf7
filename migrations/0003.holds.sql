-- A live reservation, and only that: a hold that ends moves to hold_history, so this table stays small.
-- ix_holds_product_id_expires_at also finds what expired, product by product, and covers the sum of held units.
CREATE TABLE holds (
  hold_id          BINARY(16)   NOT NULL COMMENT 'UUID version 7',
  hold_uuid        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (BIN_TO_UUID(hold_id)) VIRTUAL,
  product_id       INT UNSIGNED NOT NULL,
  qty              INT          NOT NULL,
  unit_price_minor BIGINT       NOT NULL COMMENT 'the price that the buyer saw, in minor units; its order costs this',
  customer_id      VARCHAR(128)     NULL COMMENT 'the shop''s name for the buyer; compared byte by byte',
  idempotency_key  VARCHAR(272)     NULL COMMENT 'compared byte by byte; NULL: none was given',
  created_at       DATETIME(6)  NOT NULL COMMENT 'UTC',
  expires_at       DATETIME(6)  NOT NULL COMMENT 'UTC; from this instant on the hold is void, swept or not. A paid hold never is: 9999-12-31',
  order_at         DATETIME(6)      NULL COMMENT 'UTC; a payment waits for the order of this hold: then the sweep makes it; NULL: not paid',
  unpaid_until     DATETIME(6)      NULL COMMENT 'UTC; when a paid hold expires if all of the money goes back; NULL: not paid',
  extended_at      DATETIME(6)      NULL COMMENT 'UTC; a hold is extended once; NULL: it was not',
  PRIMARY KEY (hold_id),
  UNIQUE KEY uq_holds_idempotency_key (idempotency_key),
  KEY ix_holds_product_id_expires_at (product_id, expires_at, qty),
  CONSTRAINT fk_holds_product_id       FOREIGN KEY (product_id) REFERENCES products (product_id),
  CONSTRAINT ck_holds_qty              CHECK (qty >= 1),
  CONSTRAINT ck_holds_unit_price_minor CHECK (unit_price_minor >= 0),
  CONSTRAINT ck_holds_expires_at       CHECK (expires_at > created_at),
  CONSTRAINT ck_holds_order_at         CHECK ((order_at IS NOT NULL) = (expires_at = '9999-12-31')),
  CONSTRAINT ck_holds_unpaid_until     CHECK ((unpaid_until IS NOT NULL) = (order_at IS NOT NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'a live reservation, and only that';
