DROP TABLE customer_units;
