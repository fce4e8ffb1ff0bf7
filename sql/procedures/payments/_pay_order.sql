DELIMITER $$

DROP PROCEDURE IF EXISTS _pay_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _pay_order (
  IN in_payment_id VARCHAR(255),
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  A payment pays its order, in the transaction of its caller, who has locked both, and has taken the units of an order that lapsed
  back. The order was pending, or lapsed, or paid by a payment that goes back.

Locks
  the webhooks of the payment, customer_units
'
BEGIN
  DECLARE v_pending, v_paid BOOLEAN;

  SELECT status = 'pending', status = 'paid' INTO v_pending, v_paid FROM orders WHERE order_id = in_order_id;
  UPDATE payments
     SET state = 'paying',
         reason = NULL,
         decided_at = UTC_TIMESTAMP(6)
   WHERE payment_id = in_payment_id;
  UPDATE orders
     SET status = 'paid',
         payment_id = in_payment_id,
         paid_at = COALESCE(paid_at, UTC_TIMESTAMP(6)),
         closed_at = NULL,
         cancelled_as = NULL,
         closed_reason = NULL
   WHERE order_id = in_order_id;
  UPDATE payment_webhooks AS w FORCE INDEX (ix_payment_webhooks_payment_id)
     SET w.outcome = 'applied',
         w.reason = NULL,
         w.settled_at = UTC_TIMESTAMP(6)
   WHERE w.payment_id = in_payment_id AND w.payment_status = 'succeeded'
     AND (w.outcome = 'parked' OR w.idempotency_key = (SELECT p.received_by FROM payments AS p WHERE p.payment_id = in_payment_id));
  IF NOT v_paid THEN
    CALL _notify_orders('order.paid', JSON_ARRAY(BIN_TO_UUID(in_order_id)));
  END IF;
  IF v_pending THEN
    CALL _pay_customer_units(in_order_id);
  END IF;
END $$

DELIMITER ;
