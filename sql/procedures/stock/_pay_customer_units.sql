DELIMITER $$

DROP PROCEDURE IF EXISTS _pay_customer_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _pay_customer_units (
  IN in_product_id INT UNSIGNED,
  IN in_customer_id LONGTEXT,
  IN in_qty INT,
  IN in_overdue_at DATETIME(6)
)
COMMENT '
Description
  Units of a customer are paid: they count as unpaid no longer. In the transaction of its caller.

Parameters
  in_overdue_at DATETIME(6)  when they ran out unpaid, before they were paid all the same: where a product pauses customers
                             that counts, whether the sweep saw it or not; NULL: they did not

Locks
  the row of the customer in customer_units, if there is one
'
BEGIN
  DECLARE v_paused_until DATETIME(6);

  SELECT in_overdue_at + INTERVAL pause_seconds SECOND
    INTO v_paused_until
    FROM products
   WHERE product_id = in_product_id;

  UPDATE customer_units
     SET unpaid_units = unpaid_units - in_qty,
         paused_until = COALESCE(GREATEST(paused_until, v_paused_until), paused_until, v_paused_until)
   WHERE product_id = in_product_id AND customer_id = in_customer_id;
END $$

DELIMITER ;
