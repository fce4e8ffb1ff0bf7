DELIMITER $$

DROP PROCEDURE IF EXISTS _take_customer_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _take_customer_units (
  IN in_product_id INT UNSIGNED,
  IN in_customer_id LONGTEXT,
  IN in_qty INT,
  IN in_unpaid BOOLEAN,
  OUT out_pauses BOOLEAN,
  OUT out_refusal VARCHAR(64)
)
COMMENT '
Description
  Counts units towards a customer''s limits, in the transaction of its caller. Products without any: nothing to do.
  The row is written first and judged afterwards: its lock makes requests of the same customer queue here.
  When it is refused the caller rolls back, or calls _return_customer_units.

Parameters
  in_unpaid   BOOLEAN  TRUE for a hold; FALSE for units that are paid for, which max_per_customer alone can refuse
  out_pauses  BOOLEAN  the product pauses customers: what of this one has expired must be given back before out_refusal says the
                       last word
  out_refusal VARCHAR  customer_paused, customer_limit_reached or unpaid_limit_reached; customer_unknown: units that are paid for,
                       of an order without a customer; NULL: taken

Locks
  the row of the customer in customer_units
'
BEGIN
  DECLARE v_counts BOOLEAN;
  DECLARE v_limit, v_unpaid_limit BIGINT;

  -- Whatever the share, one unit is always allowed.
  SELECT counts_customers, pause_seconds IS NOT NULL AND in_unpaid, max_per_customer,
         GREATEST(1, CAST(stock_total AS SIGNED) * max_unpaid_percent DIV 100)
    INTO v_counts, out_pauses, v_limit, v_unpaid_limit
    FROM products
   WHERE product_id = in_product_id;
  SET out_refusal = NULL;
  IF v_counts AND in_customer_id IS NULL AND in_unpaid THEN
    CALL _raise('invalid_argument', 'customer_id must be given: this product has a limit per customer', NULL);
  ELSEIF v_counts AND in_customer_id IS NULL THEN
    SET out_refusal = 'customer_unknown';
  ELSEIF v_counts THEN
    INSERT INTO customer_units (product_id, customer_id, units, unpaid_units)
    VALUES (in_product_id, in_customer_id, in_qty, IF(in_unpaid, in_qty, 0))
        ON DUPLICATE KEY UPDATE units = units + in_qty, unpaid_units = unpaid_units + IF(in_unpaid, in_qty, 0);
    SELECT CASE
             WHEN out_pauses AND paused_until > UTC_TIMESTAMP(6) THEN 'customer_paused'
             WHEN units > v_limit THEN 'customer_limit_reached'
             WHEN in_unpaid AND unpaid_units > v_unpaid_limit THEN 'unpaid_limit_reached'
           END
      INTO out_refusal
      FROM customer_units
     WHERE product_id = in_product_id AND customer_id = in_customer_id
       FOR UPDATE;
  END IF;
END $$

DELIMITER ;
