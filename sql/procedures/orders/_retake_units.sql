DELIMITER $$

DROP PROCEDURE IF EXISTS _retake_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _retake_units (
  IN in_order_id BINARY(16),
  OUT out_taken BOOLEAN
)
COMMENT '
Description
  Takes the units of an order that lapsed back for a payment that came late, in the transaction of its caller, who has locked the
  product (shared) and the order: all or nothing.

Parameters
  out_taken BOOLEAN  FALSE: the units were sold meanwhile, or the customer has others and reached the limit, or is not known though
                     the product counts customers by now

Locks
  customer_units, then all stripes of the product
'
BEGIN
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_customer_id VARCHAR(128);
  DECLARE v_qty INT;
  DECLARE v_pauses BOOLEAN;
  DECLARE v_refusal VARCHAR(64);

  SELECT product_id, customer_id, qty INTO v_product_id, v_customer_id, v_qty FROM orders WHERE order_id = in_order_id;
  CALL _take_customer_units(v_product_id, v_customer_id, v_qty, FALSE, v_pauses, v_refusal);
  SET out_taken = v_refusal IS NULL;
  IF out_taken THEN
    CALL _take_units(v_product_id, v_qty, TRUE, out_taken);
  END IF;
  IF NOT out_taken THEN
    CALL _return_customer_units(v_product_id, v_customer_id, v_qty);
  END IF;
END $$

DELIMITER ;
