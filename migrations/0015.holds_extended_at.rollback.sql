ALTER TABLE holds DROP COLUMN extended_at;
