DELIMITER $$

DROP PROCEDURE IF EXISTS _return_customer_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _return_customer_units (
  IN in_product_id INT UNSIGNED,
  IN in_customer_id LONGTEXT,
  IN in_qty INT
)
COMMENT '
Description
  Gives units back to a customer''s limit, in the transaction of its caller; nothing to do where there is no limit.

Locks
  the row of the customer in customer_units, if there is one
'
BEGIN
  UPDATE customer_units
     SET units = units - in_qty
   WHERE product_id = in_product_id AND customer_id = in_customer_id;
END $$

DELIMITER ;
