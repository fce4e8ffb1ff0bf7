-- A product on sale. Never written during the sale, so that holds and orders may refer to it without queueing on it.
CREATE TABLE products (
  product_id       INT UNSIGNED NOT NULL AUTO_INCREMENT,
  name             VARCHAR(200) NOT NULL,
  price_minor      BIGINT       NOT NULL COMMENT 'price of one unit, in minor units of the currency',
  currency         CHAR(3)      NOT NULL COMMENT 'ISO 4217',
  stock_total      INT          NOT NULL COMMENT 'units given to the sale: free, held and sold together',
  stripes          SMALLINT     NOT NULL COMMENT 'rows of stock_stripes that share the free units; 1 is a plain counter',
  hold_seconds     INT          NOT NULL COMMENT 'how long a hold keeps its units',
  payment_seconds  INT          NOT NULL COMMENT 'how long an order may stay unpaid',
  max_per_hold     INT          NOT NULL,
  max_per_customer INT              NULL COMMENT 'over live holds and live orders together; NULL: no limit',
  sale_starts_at   DATETIME(6)      NULL COMMENT 'UTC; NULL: open from the beginning',
  sale_ends_at     DATETIME(6)      NULL COMMENT 'UTC; NULL: open until sold out',
  created_at       DATETIME(6)  NOT NULL COMMENT 'UTC',
  PRIMARY KEY (product_id),
  CONSTRAINT ck_products_name             CHECK (name <> ''),
  CONSTRAINT ck_products_price_minor      CHECK (price_minor BETWEEN 1 AND 1000000000000),
  CONSTRAINT ck_products_currency         CHECK (REGEXP_LIKE(currency, '^[A-Z]{3}$', 'c')),
  CONSTRAINT ck_products_stock_total      CHECK (stock_total >= 0),
  CONSTRAINT ck_products_stripes          CHECK (stripes BETWEEN 1 AND 256),
  CONSTRAINT ck_products_hold_seconds     CHECK (hold_seconds BETWEEN 1 AND 86400),
  CONSTRAINT ck_products_payment_seconds  CHECK (payment_seconds BETWEEN 1 AND 2592000),
  CONSTRAINT ck_products_max_per_hold     CHECK (max_per_hold BETWEEN 1 AND 1000000),
  CONSTRAINT ck_products_max_per_customer CHECK (max_per_customer >= 1),
  CONSTRAINT ck_products_sale_ends_at     CHECK (sale_ends_at > sale_starts_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'a product on sale; never written during the sale';
