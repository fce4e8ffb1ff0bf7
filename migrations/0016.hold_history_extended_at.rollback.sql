ALTER TABLE hold_history DROP COLUMN extended_at;
