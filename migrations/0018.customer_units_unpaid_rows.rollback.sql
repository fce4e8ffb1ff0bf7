UPDATE customer_units SET unpaid_units = 0;
