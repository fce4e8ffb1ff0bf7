DELIMITER $$

DROP PROCEDURE IF EXISTS _take_customer_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _take_customer_units (
  IN in_product_id INT UNSIGNED,
  IN in_customer_id LONGTEXT,
  IN in_qty INT,
  OUT out_taken BOOLEAN
)
COMMENT '
Description
  Counts units towards a customer''s limit, in the transaction of its caller. Products without a limit: nothing to do.
  The row is written first and judged afterwards: its lock makes requests of the same customer queue here.
  When out_taken is FALSE the caller rolls back, or calls _return_customer_units.

Locks
  the row of the customer in customer_units
'
BEGIN
  DECLARE v_limit INT;

  SELECT max_per_customer INTO v_limit FROM products WHERE product_id = in_product_id;
  SET out_taken = TRUE;
  IF v_limit IS NOT NULL THEN
    IF in_customer_id IS NULL THEN
      CALL _raise('invalid_argument', 'customer_id must be given: this product has a limit per customer');
    END IF;
    INSERT INTO customer_units (product_id, customer_id, units)
    VALUES (in_product_id, in_customer_id, in_qty)
        ON DUPLICATE KEY UPDATE units = units + in_qty;
    SELECT units <= v_limit
      INTO out_taken
      FROM customer_units
     WHERE product_id = in_product_id AND customer_id = in_customer_id
       FOR UPDATE;
  END IF;
END $$

DELIMITER ;
