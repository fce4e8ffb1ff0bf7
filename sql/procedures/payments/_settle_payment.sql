DELIMITER $$

DROP PROCEDURE IF EXISTS _settle_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _settle_payment (
  IN in_payment_id VARCHAR(255)
)
COMMENT '
Description
  Brings a received payment in line with what went back of it, in the transaction of its caller, who has locked the purchase and the
  payment. One that does not pay is due while something of it is left, and settled then. One that pays its order, and of which all
  is to go back, pays no longer: another payment that is due, of the order''s money and whole, takes its place; where there is none the
  order is refunded. A hold whose payment waits is prolonged.

Locks
  other payments of the order and their webhooks, customer_units, stock_stripes
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_state, v_status VARCHAR(10);
  DECLARE v_units VARCHAR(9);
  DECLARE v_reason VARCHAR(255);
  DECLARE v_gone, v_going BOOLEAN;
  DECLARE v_other_id VARCHAR(255);

  -- Of an amount that nobody knows everything can be gone, but no part of it.
  SELECT order_id, state,
         IF(amount_minor IS NULL, refund_told_minor = 9223372036854775807 AND refunds_told > refunds_failed, refunded_minor >= amount_minor),
         returning_minor >= amount_minor
    INTO v_order_id, v_state, v_gone, v_going
    FROM payments
   WHERE payment_id = in_payment_id;

  IF v_state IN ('due', 'settled') AND v_gone <> (v_state = 'settled') THEN
    UPDATE payments
       SET state = IF(v_gone, 'settled', 'due'),
           reason = IF(v_gone, reason, 'its refund failed'),
           decided_at = UTC_TIMESTAMP(6)
     WHERE payment_id = in_payment_id;
    CALL _notify_payment('payment.due', in_payment_id);

  ELSEIF v_state = 'paying' AND v_going THEN
    UPDATE payments
       SET state = IF(v_gone, 'settled', 'due'),
           reason = IF(v_gone, 'payment refunded', 'its refund failed'),
           decided_at = UTC_TIMESTAMP(6)
     WHERE payment_id = in_payment_id;
    CALL _notify_payment('payment.due', in_payment_id);
    SELECT w.payment_id
      INTO v_other_id
      FROM orders AS o
      STRAIGHT_JOIN payments AS w FORCE INDEX (uq_payments_order_id) ON w.order_id = o.order_id AND w.amount_minor = o.amount_minor AND w.currency = o.currency
     WHERE o.order_id = v_order_id AND w.state = 'due' AND w.refund_told_minor = 0
     ORDER BY w.received_at, w.payment_id
     LIMIT 1;
    IF v_other_id IS NOT NULL THEN
      CALL _pay_order(v_other_id, v_order_id);
    ELSE
      SELECT o.product_id, r.order_becomes, r.units, r.reason
        INTO v_product_id, v_status, v_units, v_reason
        FROM orders AS o
        JOIN payment_rules AS r ON r.order_state = IF(o.fulfilled_at IS NULL, 'paid', 'fulfilled') AND r.payment = 'returned'
       WHERE o.order_id = v_order_id;
      CALL _close_orders(JSON_ARRAY(BIN_TO_UUID(v_order_id)), v_status, NULL, v_reason);
      IF v_units = 'return' THEN
        CALL _free_units(v_product_id, NULL, JSON_ARRAY(BIN_TO_UUID(v_order_id)), FALSE);
      END IF;
    END IF;

  ELSEIF v_state = 'waiting' THEN
    CALL _prolong_paid_hold(v_order_id);
  END IF;
END $$

DELIMITER ;
