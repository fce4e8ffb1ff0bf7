DROP TABLE payment_rules;
