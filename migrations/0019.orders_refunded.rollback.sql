ALTER TABLE orders DROP CHECK ck_orders_refunded_minor, DROP COLUMN refunded_minor;
