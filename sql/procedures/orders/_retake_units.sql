DELIMITER $$

DROP PROCEDURE IF EXISTS _retake_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _retake_units (
  IN in_product_id INT UNSIGNED,
  IN in_customer_id LONGTEXT,
  IN in_qty INT,
  OUT out_taken BOOLEAN
)
COMMENT '
Description
  Takes the units of a cancelled order back for a payment that came late, in the transaction of its caller: all or nothing.

Parameters
  out_taken BOOLEAN  FALSE: the units were sold meanwhile, or the customer has others and reached the limit

Locks
  the product, shared: whether customers are counted cannot change meanwhile; customer_units, then all stripes of the product.
  Who locks a product for writing never waits for an order, so this cannot become a circle
'
BEGIN
  DECLARE v_pauses BOOLEAN;
  DECLARE v_refusal VARCHAR(64);

  DO (SELECT product_id FROM products WHERE product_id = in_product_id FOR SHARE);
  CALL _take_customer_units(in_product_id, in_customer_id, in_qty, FALSE, v_pauses, v_refusal);
  SET out_taken = v_refusal IS NULL;
  IF out_taken THEN
    CALL _take_units(in_product_id, in_qty, TRUE, out_taken);
  END IF;
  IF NOT out_taken THEN
    CALL _return_customer_units(in_product_id, in_customer_id, in_qty);
  END IF;
END $$

DELIMITER ;
