-- Fairness, off by default: what a customer may keep unpaid, a pause for those who let holds expire, and longer holds.
ALTER TABLE products
  ADD COLUMN max_unpaid_percent INT NULL COMMENT 'share of stock_total that a customer may have in live holds and unpaid orders; NULL: any' AFTER max_per_customer,
  ADD COLUMN pause_seconds      INT NULL COMMENT 'how long a customer whose hold or order ran out unpaid may not hold again; NULL: no pause' AFTER max_unpaid_percent,
  ADD COLUMN extension_seconds  INT NULL COMMENT 'by how much a hold may be extended, once; NULL: not at all' AFTER pause_seconds,
  ADD COLUMN counts_customers   BOOLEAN GENERATED ALWAYS AS (max_per_customer IS NOT NULL OR max_unpaid_percent IS NOT NULL
                                                             OR pause_seconds IS NOT NULL) STORED NOT NULL
                                COMMENT 'whether customer_units is kept for this product' AFTER extension_seconds,
  ADD CONSTRAINT ck_products_max_unpaid_percent CHECK (max_unpaid_percent BETWEEN 1 AND 100),
  ADD CONSTRAINT ck_products_pause_seconds      CHECK (pause_seconds BETWEEN 1 AND 2592000),
  ADD CONSTRAINT ck_products_extension_seconds  CHECK (extension_seconds BETWEEN 1 AND 86400);
