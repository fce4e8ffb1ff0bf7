DELIMITER $$

DROP PROCEDURE IF EXISTS _pay_units_of_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _pay_units_of_orders (
  IN in_order_ids JSON
)
COMMENT '
Description
  The units of orders that were pending are paid: what _pay_customer_units does for one order, for a set of them, in the transaction
  of its caller.

Parameters
  in_order_ids JSON  array of ids as texts

Locks
  the rows of the customers in customer_units, by product and customer
'
BEGIN
  DECLARE v_customers JSON;
  DECLARE v_any_pauses BOOLEAN;

  -- Read first, and not joined in the UPDATE, which would lock the products after the orders.
  SELECT JSON_ARRAYAGG(JSON_ARRAY(f.product_id, f.customer_id, f.overdue_at, f.pause_seconds, f.units)),
         MAX(f.overdue_at IS NOT NULL AND f.pause_seconds IS NOT NULL)
    INTO v_customers, v_any_pauses
    FROM (SELECT o.product_id, o.customer_id, SUM(o.qty) AS units, MAX(IF(o.pay_by <= c.clock, o.pay_by, NULL)) AS overdue_at,
                 MAX(p.pause_seconds) AS pause_seconds
            FROM JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS paid
            STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = UUID_TO_BIN(paid.id)
            STRAIGHT_JOIN products AS p FORCE INDEX (PRIMARY) ON p.product_id = o.product_id
            STRAIGHT_JOIN product_clocks AS c ON c.product_id = o.product_id
           WHERE p.counts_customers
           GROUP BY o.product_id, o.customer_id) AS f;

  -- ORDER BY with a LIMIT that limits nothing: without it MySQL would take the customers in any order.
  UPDATE (SELECT mine.product_id, mine.customer_id, mine.units
            FROM JSON_TABLE(v_customers, '$[*]' COLUMNS (
                   product_id INT UNSIGNED PATH '$[0]',
                   customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$[1]',
                   units INT PATH '$[4]')) AS mine
           ORDER BY mine.product_id, mine.customer_id
           LIMIT 18446744073709551615) AS f
    STRAIGHT_JOIN customer_units AS c FORCE INDEX (PRIMARY) ON c.product_id = f.product_id AND c.customer_id = f.customer_id
     SET c.unpaid_units = c.unpaid_units - f.units;
  IF v_any_pauses THEN
    CALL _pause_customers(v_customers);
  END IF;
END $$

DELIMITER ;
