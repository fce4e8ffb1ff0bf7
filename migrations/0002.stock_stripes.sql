-- A share of a product's free units. One row would sell at most one hold per commit; several rows sell side by side.
CREATE TABLE stock_stripes (
  product_id INT UNSIGNED NOT NULL,
  stripe     SMALLINT     NOT NULL COMMENT '0 to products.stripes - 1',
  available  INT          NOT NULL COMMENT 'free units in this stripe',
  PRIMARY KEY (product_id, stripe),
  CONSTRAINT fk_stock_stripes_product_id FOREIGN KEY (product_id) REFERENCES products (product_id),
  CONSTRAINT ck_stock_stripes_stripe     CHECK (stripe >= 0),
  CONSTRAINT ck_stock_stripes_available  CHECK (available >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'a share of a product''s free units; several rows sell side by side where one would be a queue';
