DELIMITER $$

DROP PROCEDURE IF EXISTS _cancel_live_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _cancel_live_order (
  IN in_order_id BINARY(16),
  IN in_cancelled_as VARCHAR(10),
  IN in_reason VARCHAR(255),
  IN in_pauses BOOLEAN
)
COMMENT '
Description
  Cancels a live order and gives its units back, in the transaction of its caller, who has locked the order.

Parameters
  in_cancelled_as VARCHAR  lapsed: a late payment may take the units back; withdrawn: for good, a payment that comes is due
  in_reason       VARCHAR  kept in closed_reason
  in_pauses       BOOLEAN  see _free_units

Locks
  customer_units, then stock_stripes
'
BEGIN
  DECLARE v_order_ids JSON DEFAULT JSON_ARRAY(BIN_TO_UUID(in_order_id));
  DECLARE v_product_id INT UNSIGNED;

  SELECT product_id INTO v_product_id FROM orders WHERE order_id = in_order_id;
  CALL _close_orders(v_order_ids, 'cancelled', in_cancelled_as, in_reason);
  CALL _free_units(v_product_id, NULL, v_order_ids, in_pauses);
END $$

DELIMITER ;
