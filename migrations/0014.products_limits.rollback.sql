ALTER TABLE products
  DROP CHECK ck_products_max_unpaid_percent,
  DROP CHECK ck_products_pause_seconds,
  DROP CHECK ck_products_extension_seconds,
  DROP COLUMN counts_customers,
  DROP COLUMN max_unpaid_percent,
  DROP COLUMN pause_seconds,
  DROP COLUMN extension_seconds;
