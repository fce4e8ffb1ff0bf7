ALTER TABLE payment_webhooks
  DROP CHECK ck_payment_webhooks_order_id,
  DROP COLUMN reprocessed_at,
  MODIFY COLUMN outcome ENUM('parked', 'applied', 'ignored', 'amount_mismatch', 'refund_due') NOT NULL,
  MODIFY COLUMN payment_status ENUM('succeeded', 'failed', 'refunded') NOT NULL,
  MODIFY COLUMN order_id BINARY(16) NOT NULL;
