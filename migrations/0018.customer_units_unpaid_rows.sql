UPDATE customer_units AS c
   SET c.unpaid_units = (SELECT COALESCE(SUM(h.qty), 0) FROM holds AS h
                          WHERE h.product_id = c.product_id AND h.customer_id = c.customer_id)
                      + (SELECT COALESCE(SUM(o.qty), 0) FROM orders AS o
                          WHERE o.product_id = c.product_id AND o.customer_id = c.customer_id AND o.status = 'pending');
