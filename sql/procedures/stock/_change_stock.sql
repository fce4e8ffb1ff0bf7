DELIMITER $$

DROP PROCEDURE IF EXISTS _change_stock $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _change_stock (
  IN in_product_id INT UNSIGNED,
  IN in_delta INT,
  IN in_reason VARCHAR(255)
)
COMMENT '
Description
  Records a change of stock_total with account and reason, and adds the units or takes them out of the free ones,
  in the transaction of its caller, who has locked the product and counted in_delta into stock_total.

Errors
  stock_in_use  fewer units are free than are to be withdrawn

Locks
  all stripes of the product
'
BEGIN
  DECLARE v_taken BOOLEAN DEFAULT TRUE;

  INSERT INTO stock_adjustments (product_id, delta, reason, account, created_at)
  VALUES (in_product_id, in_delta, in_reason, USER(), UTC_TIMESTAMP(6));

  IF in_delta >= 0 THEN
    CALL _return_units(in_product_id, in_delta);
  ELSE
    CALL _take_units(in_product_id, -in_delta, TRUE, v_taken);
  END IF;
  IF NOT v_taken THEN
    CALL _raise('stock_in_use', 'fewer units are free than you withdraw; the others are held or sold', NULL);
  END IF;
END $$

DELIMITER ;
