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
  customer_units, then all stripes of the product
'
BEGIN
  CALL _take_customer_units(in_product_id, in_customer_id, in_qty, out_taken);
  IF out_taken THEN
    CALL _take_units(in_product_id, in_qty, TRUE, out_taken);
  END IF;
  IF NOT out_taken THEN
    CALL _return_customer_units(in_product_id, in_customer_id, in_qty);
  END IF;
END $$

DELIMITER ;
