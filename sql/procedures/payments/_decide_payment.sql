DELIMITER $$

DROP PROCEDURE IF EXISTS _decide_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _decide_payment (
  IN in_payment_id VARCHAR(255),
  IN in_final BOOLEAN
)
COMMENT '
Description
  Decides what becomes of a payment that was received, or is over, and of its order, in the transaction of its caller, who has locked
  the purchase and the payment (and, where units of a lapsed order may be taken back, the product before). It obeys the table
  payment_rules: where the order stands and what the payment is decide, never the time of arrival. Then it settles the payment.

Parameters
  in_final BOOLEAN  an order of an id that nobody knows does not come any more

Locks
  the webhooks of the payment, other payments of the order, customer_units, stock_stripes
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_state, v_order_state, v_payment, v_becomes, v_order_becomes, v_units VARCHAR(10);
  DECLARE v_amount, v_owed BIGINT;
  DECLARE v_currency, v_owed_currency CHAR(3);
  DECLARE v_outcome VARCHAR(15);
  DECLARE v_reason VARCHAR(255);
  DECLARE v_taken BOOLEAN;

  SELECT order_id, state, amount_minor, currency
    INTO v_order_id, v_state, v_amount, v_currency
    FROM payments
   WHERE payment_id = in_payment_id;
  CALL _read_purchase(v_order_id, v_order_state, v_owed, v_owed_currency);
  IF v_state = 'waiting' AND v_owed IS NOT NULL AND (v_amount IS NULL OR v_currency IS NULL) THEN
    -- Only now is it known what its event meant by naming no amount.
    SET v_amount = COALESCE(v_amount, v_owed), v_currency = COALESCE(v_currency, v_owed_currency);
    UPDATE payments
       SET amount_minor = v_amount,
           currency = v_currency,
           refunds_told = IF(v_amount > 0, refunds_told, 0),
           refund_told_minor = LEAST(refund_told_minor, v_amount)
     WHERE payment_id = in_payment_id;
  END IF;
  SET v_payment = CASE
    WHEN v_state = 'failed' THEN 'failed'
    WHEN v_state = 'waiting'
      THEN IF(COALESCE(v_amount <> v_owed, FALSE) OR COALESCE(v_currency <> v_owed_currency, FALSE), 'mismatched', 'matching')
  END;
  IF v_order_state = 'unknown' AND in_final THEN
    SET v_order_state = 'not_found';
  ELSEIF v_payment = 'failed' AND v_order_state IN ('pending', 'overdue') THEN
    SELECT IF(COUNT(received_at) > 0, 'contested', v_order_state) INTO v_order_state FROM payments WHERE order_id = v_order_id;
  END IF;

  SELECT payment_becomes, outcome, order_becomes, units, reason
    INTO v_becomes, v_outcome, v_order_becomes, v_units, v_reason
    FROM payment_rules
   WHERE order_state = v_order_state AND payment = v_payment;
  IF v_units = 'take back' THEN
    CALL _retake_units(v_order_id, v_taken);
    IF NOT v_taken THEN
      SELECT payment_becomes, outcome, order_becomes, units, reason
        INTO v_becomes, v_outcome, v_order_becomes, v_units, v_reason
        FROM payment_rules
       WHERE order_state = 'sold_on' AND payment = v_payment;
    END IF;
  END IF;

  IF v_becomes = 'paying' THEN
    CALL _pay_order(in_payment_id, v_order_id);
  ELSEIF v_payment IS NOT NULL THEN
    SET v_reason = IF(v_outcome = 'amount_mismatch', CONCAT('the order is for ', v_owed, ' ', v_owed_currency, '; ', v_reason), v_reason);
    UPDATE payments
       SET state = IF(v_becomes = 'due' AND COALESCE(refunded_minor >= amount_minor, FALSE), 'settled', v_becomes),
           reason = IF(v_becomes = 'due', v_reason, NULL),
           decided_at = UTC_TIMESTAMP(6)
     WHERE payment_id = in_payment_id;
    IF v_becomes = 'due' THEN
      CALL _notify_payment('payment.due', in_payment_id);
    END IF;
    -- Not by the index on the outcome, by which it would wait for what is parked of everybody else.
    UPDATE payment_webhooks FORCE INDEX (ix_payment_webhooks_payment_id)
       SET outcome = v_outcome,
           reason = IF(v_outcome IN ('parked', 'applied'), NULL, v_reason),
           settled_at = IF(v_outcome = 'parked', NULL, UTC_TIMESTAMP(6))
     WHERE payment_id = in_payment_id AND outcome = 'parked' AND payment_status = IF(v_payment = 'failed', 'failed', 'succeeded');
  END IF;
  IF v_order_becomes = 'cancelled' THEN
    CALL _cancel_live_order(v_order_id, 'lapsed', v_reason, TRUE);
  END IF;
  IF v_order_state NOT IN ('unknown', 'held') THEN
    -- What is still parked tells of money that never came in.
    UPDATE payment_webhooks FORCE INDEX (ix_payment_webhooks_payment_id)
       SET outcome = 'ignored',
           reason = 'no money of this payment came in; applies when it does',
           settled_at = UTC_TIMESTAMP(6)
     WHERE payment_id = in_payment_id AND outcome = 'parked';
  END IF;
  CALL _settle_payment(in_payment_id);
END $$

DELIMITER ;
