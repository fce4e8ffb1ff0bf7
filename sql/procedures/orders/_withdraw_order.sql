DELIMITER $$

DROP PROCEDURE IF EXISTS _withdraw_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _withdraw_order (
  IN in_order_id BINARY(16),
  IN in_product_id INT UNSIGNED,
  IN in_reason VARCHAR(255),
  IN in_by_buyer BOOLEAN
)
COMMENT '
Description
  Cancels a live order for good and gives its units back, in the transaction of its caller, who has locked the order. A payment
  that comes all the same is due.

Parameters
  in_by_buyer BOOLEAN  then a product with pause_seconds lets the customer wait, as for a hold that was released

Locks
  customer_units, then stock_stripes
'
BEGIN
  DECLARE v_order_ids JSON DEFAULT JSON_ARRAY(BIN_TO_UUID(in_order_id));

  CALL _close_orders(v_order_ids, 'cancelled', 'withdrawn', in_reason);
  CALL _free_units(in_product_id, NULL, v_order_ids, in_by_buyer);
END $$

DELIMITER ;
