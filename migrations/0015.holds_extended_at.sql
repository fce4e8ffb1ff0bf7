ALTER TABLE holds ADD COLUMN extended_at DATETIME(6) NULL COMMENT 'UTC; a hold is extended once; NULL: it was not';
