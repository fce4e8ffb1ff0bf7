DELIMITER $$

DROP PROCEDURE IF EXISTS _name_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _name_payment (
  IN in_payment_id VARCHAR(255),
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  The first payment that a provider names is the one that the order''s own id stood for until now, if that is all the order has
  and nothing came in of it: that payment takes its name, with all its events. In the transaction of its caller, who has locked
  the purchase.

Locks
  the payment, its webhooks
'
BEGIN
  DECLARE v_payments, v_known INT;
  DECLARE v_unnamed BOOLEAN;

  SELECT COUNT(*), COALESCE(MAX(payment_id = BIN_TO_UUID(in_order_id) AND received_at IS NULL), FALSE)
    INTO v_payments, v_unnamed
    FROM payments
   WHERE order_id = in_order_id;
  SELECT COUNT(*) INTO v_known FROM payments WHERE payment_id = in_payment_id;
  IF v_payments = 1 AND v_unnamed AND v_known = 0 THEN
    UPDATE payments SET payment_id = in_payment_id WHERE payment_id = BIN_TO_UUID(in_order_id);
    UPDATE payment_webhooks SET payment_id = in_payment_id WHERE payment_id = BIN_TO_UUID(in_order_id);
  END IF;
END $$

DELIMITER ;
