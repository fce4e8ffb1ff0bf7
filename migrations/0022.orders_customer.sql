-- For the view purchases: what has this customer bought? Holds come and go and need no such index.
ALTER TABLE orders ADD INDEX ix_orders_customer_id (customer_id);
