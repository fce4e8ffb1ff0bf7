-- Units a customer has in live holds and live orders; rows exist for products with limits per customer only.
CREATE TABLE customer_units (
  product_id   INT UNSIGNED NOT NULL,
  customer_id  VARCHAR(128) NOT NULL,
  units        INT          NOT NULL,
  unpaid_units INT          NOT NULL DEFAULT 0 COMMENT 'of units: those in live holds and unpaid orders',
  paused_until DATETIME(6)      NULL COMMENT 'UTC; the customer may not hold before; NULL: never had to pause',
  PRIMARY KEY (product_id, customer_id),
  CONSTRAINT fk_customer_units_product_id   FOREIGN KEY (product_id) REFERENCES products (product_id),
  CONSTRAINT ck_customer_units_units        CHECK (units >= 0),
  CONSTRAINT ck_customer_units_unpaid_units CHECK (unpaid_units BETWEEN 0 AND units)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'units that a customer has of a product with a limit per customer';
