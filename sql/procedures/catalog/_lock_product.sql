DELIMITER $$

DROP PROCEDURE IF EXISTS _lock_product $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _lock_product (
  IN in_product_id INT UNSIGNED
)
COMMENT '
Description
  Locks a product for an operator who changes it, in the transaction of its caller. From then on nobody can hold, order or take
  units back, so what the caller reads of them stays true.

Errors
  product_not_found

Locks
  the product
'
BEGIN
  DECLARE v_known BOOLEAN;

  SELECT COUNT(*) INTO v_known FROM products WHERE product_id = in_product_id FOR UPDATE;
  IF NOT v_known THEN
    CALL _raise('product_not_found', 'no product has this id; list_products shows those on sale', NULL);
  END IF;
END $$

DELIMITER ;
