DELIMITER $$

-- What must never be of units: a row for each violation. invariant_violations takes it, with the others, into one statement.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW unit_violations AS
-- Every unit is free, held or sold, and nothing twice. What was handed over stays sold, refunded or not.
SELECT 'units_do_not_add_up' AS violation, u.product_id,
       CONCAT('stock_total ', u.stock_total, ', free ', u.free, ', held ', u.held, ', sold ', u.sold) AS detail
  FROM (SELECT p.product_id, p.stock_total,
               (SELECT COALESCE(SUM(s.available), 0) FROM stock_stripes AS s WHERE s.product_id = p.product_id) AS free,
               (SELECT COALESCE(SUM(h.qty), 0) FROM holds AS h WHERE h.product_id = p.product_id) AS held,
               (SELECT COALESCE(SUM(o.qty), 0) FROM orders AS o
                 WHERE o.product_id = p.product_id
                   AND (o.status IN ('pending', 'paid') OR o.fulfilled_at IS NOT NULL)) AS sold
          FROM products AS p) AS u
 WHERE u.stock_total <> u.free + u.held + u.sold
 UNION ALL
SELECT 'stock_negative', s.product_id, CONCAT('stripe ', s.stripe, ' has ', s.available)
  FROM stock_stripes AS s
 WHERE s.available < 0
 UNION ALL
SELECT 'stripes_differ', p.product_id, CONCAT(COUNT(s.stripe), ' stripes up to ', MAX(s.stripe), ' where there should be ', p.stripes)
  FROM products AS p
  LEFT JOIN stock_stripes AS s ON s.product_id = p.product_id
 GROUP BY p.product_id, p.stripes
HAVING COUNT(s.stripe) <> p.stripes OR MAX(s.stripe) <> p.stripes - 1
 UNION ALL
SELECT 'stripe_without_product', s.product_id, CONCAT('stripe ', s.stripe, ' has ', s.available)
  FROM stock_stripes AS s
  LEFT JOIN products AS p ON p.product_id = s.product_id
 WHERE p.product_id IS NULL
 UNION ALL
SELECT 'adjustments_do_not_add_up', p.product_id, CONCAT('stock_total ', p.stock_total, ', adjustments ', COALESCE(SUM(a.delta), 0))
  FROM products AS p
  LEFT JOIN stock_adjustments AS a ON a.product_id = p.product_id
 GROUP BY p.product_id, p.stock_total
HAVING p.stock_total <> COALESCE(SUM(a.delta), 0)
 UNION ALL
-- Where a customer has a limit, what counts towards it is what the customer has.
SELECT 'customer_units_differ', c.product_id,
       CONCAT('customer ', c.customer_id, ': ', SUM(c.units), ' too many counted, ', SUM(c.unpaid_units), ' too many as unpaid')
  FROM (SELECT product_id, customer_id, units, unpaid_units FROM customer_units
         UNION ALL
        SELECT h.product_id, h.customer_id, -h.qty, -h.qty FROM holds AS h JOIN products AS p ON p.product_id = h.product_id
         WHERE p.counts_customers
         UNION ALL
        SELECT o.product_id, o.customer_id, -o.qty, IF(o.status = 'pending', -o.qty, 0)
          FROM orders AS o JOIN products AS p ON p.product_id = o.product_id
         WHERE p.counts_customers AND (o.status IN ('pending', 'paid') OR o.fulfilled_at IS NOT NULL)) AS c
 GROUP BY c.product_id, c.customer_id
HAVING SUM(c.units) <> 0 OR SUM(c.unpaid_units) <> 0 $$

DELIMITER ;
