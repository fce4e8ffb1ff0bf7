DELETE FROM payment_rules;
