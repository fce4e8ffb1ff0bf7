DROP TABLE hold_history;
