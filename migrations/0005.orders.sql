-- An order keeps the id of its hold: the primary key makes 'each hold is used once' true.
CREATE TABLE orders (
  order_id         BINARY(16)   NOT NULL COMMENT 'the id of the hold it came from',
  order_uuid       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (BIN_TO_UUID(order_id)) VIRTUAL,
  product_id       INT UNSIGNED NOT NULL,
  qty              INT          NOT NULL,
  customer_id      VARCHAR(128)     NULL,
  idempotency_key  VARCHAR(255)     NULL COMMENT 'compared byte by byte; NULL: none was given',
  unit_price_minor BIGINT       NOT NULL COMMENT 'the price at the moment of the order',
  amount_minor     BIGINT       NOT NULL COMMENT 'what is to be paid, in minor units',
  currency         CHAR(3)      NOT NULL COMMENT 'ISO 4217',
  status           ENUM('pending', 'paid', 'cancelled', 'refund_due', 'refunded') NOT NULL,
  created_at       DATETIME(6)  NOT NULL COMMENT 'UTC',
  pay_by           DATETIME(6)  NOT NULL COMMENT 'UTC; an order still pending then is overdue',
  paid_at          DATETIME(6)      NULL COMMENT 'UTC',
  closed_at        DATETIME(6)      NULL COMMENT 'UTC; when it was cancelled, refunded or became due for a refund',
  closed_reason    VARCHAR(255)     NULL,
  PRIMARY KEY (order_id),
  UNIQUE KEY uq_orders_idempotency_key (idempotency_key),
  KEY ix_orders_product_id_status_pay_by (product_id, status, pay_by, qty),
  CONSTRAINT fk_orders_product_id   FOREIGN KEY (product_id) REFERENCES products (product_id),
  CONSTRAINT ck_orders_qty          CHECK (qty >= 1),
  CONSTRAINT ck_orders_amount_minor CHECK (amount_minor = unit_price_minor * qty),
  CONSTRAINT ck_orders_pay_by       CHECK (pay_by > created_at),
  CONSTRAINT ck_orders_paid_at      CHECK ((status <> 'paid' OR paid_at IS NOT NULL) AND (status <> 'pending' OR paid_at IS NULL)),
  CONSTRAINT ck_orders_closed_at    CHECK ((status IN ('pending', 'paid')) = (closed_at IS NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'orders; each keeps the id of its hold';
