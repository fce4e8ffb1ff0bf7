-- The inbox also keeps events that move no order, and says when money that was due for a refund went back.
ALTER TABLE payment_webhooks
  MODIFY COLUMN order_id BINARY(16) NULL COMMENT 'NULL: the event names no order',
  MODIFY COLUMN payment_status ENUM('succeeded', 'failed', 'refunded', 'other') NOT NULL COMMENT 'other: an event that moves no order',
  MODIFY COLUMN outcome ENUM('parked', 'applied', 'ignored', 'amount_mismatch', 'refund_due', 'refunded') NOT NULL
    COMMENT 'refunded: it was refund_due, and the money went back',
  ADD COLUMN reprocessed_at DATETIME(6) NULL COMMENT 'UTC; when an operator had it decided anew',
  ADD CONSTRAINT ck_payment_webhooks_order_id CHECK (order_id IS NOT NULL OR payment_status = 'other');
