DELIMITER $$

DROP PROCEDURE IF EXISTS _lock_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _lock_payment (
  IN in_payment_id LONGTEXT,
  OUT out_product_id INT UNSIGNED,
  OUT out_order_id BINARY(16),
  OUT out_state VARCHAR(10)
)
COMMENT '
Description
  Locks a payment for an operator, with all that may change with it, in the order of locks, in the transaction of its caller.

Parameters
  out_product_id INT         of its order or hold; NULL: not known; out_order_id likewise
  out_state      VARCHAR     of the payment; NULL: it was given to another order or took another id just now, so that not all that may
                             change is locked: the caller ends the transaction and comes again

Errors
  payment_not_found

Locks
  the product, shared; the order or the hold; the payment
'
BEGIN
  DECLARE v_known BOOLEAN DEFAULT FALSE;

  SELECT order_id, TRUE INTO out_order_id, v_known FROM payments WHERE payment_id = in_payment_id;
  IF NOT v_known THEN
    CALL _raise('payment_not_found', 'no payment has this id; list_refunds_due lists those that are due', NULL);
  END IF;
  SELECT product_id
    INTO out_product_id
    FROM (SELECT product_id FROM orders WHERE order_id = out_order_id
           UNION ALL
          SELECT product_id FROM holds WHERE hold_id = out_order_id
           UNION ALL
          SELECT product_id FROM hold_history WHERE hold_id = out_order_id) AS purchase
   LIMIT 1;
  DO (SELECT product_id FROM products WHERE product_id = out_product_id FOR SHARE);
  CALL _lock_purchase(out_order_id);
  SELECT state INTO out_state FROM payments WHERE payment_id = in_payment_id AND order_id <=> out_order_id FOR UPDATE;
END $$

DELIMITER ;
