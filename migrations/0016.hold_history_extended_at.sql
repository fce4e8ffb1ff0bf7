ALTER TABLE hold_history ADD COLUMN extended_at DATETIME(6) NULL COMMENT 'UTC; NULL: it was not extended' AFTER expires_at;
