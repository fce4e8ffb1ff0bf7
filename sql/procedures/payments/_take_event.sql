DELIMITER $$

DROP PROCEDURE IF EXISTS _take_event $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _take_event (
  IN in_product_id INT UNSIGNED,
  IN in_payment_id VARCHAR(255),
  IN in_order_id BINARY(16),
  IN in_order_ref VARCHAR(255),
  IN in_named_id VARCHAR(255),
  IN in_key VARCHAR(255),
  IN in_status VARCHAR(15),
  IN in_amount BIGINT,
  IN in_currency CHAR(3),
  IN in_occurred_at DATETIME(6),
  IN in_payload LONGTEXT,
  OUT out_taken BOOLEAN
)
COMMENT '
Description
  Takes one event of a payment into the inbox and lets it act, in the transaction of its caller, who rolls back when out_taken is
  FALSE and looks again.

Parameters
  in_product_id INT         of an order that lapsed, whose units may be taken back; NULL: the order had not lapsed when that was read
  in_payment_id VARCHAR     as _find_payment found it; in_order_id likewise
  in_named_id   VARCHAR     the payment as the event names it; NULL: it names none
  out_taken     BOOLEAN     FALSE: what was found without a lock is otherwise by now, or the inbox has this event already

Errors
  1062  the event, or the payment, came at the same instant in another session

Locks
  the product, shared; the order or the hold; the payment; its webhooks; customer_units; stock_stripes
'
BEGIN
  DECLARE v_payment_id VARCHAR(255);
  DECLARE v_order_id BINARY(16);
  DECLARE v_outcome VARCHAR(15);
  DECLARE v_reason VARCHAR(255);
  DECLARE v_known, v_named_now BOOLEAN DEFAULT FALSE;
  DECLARE v_decide BOOLEAN;

  DO (SELECT product_id FROM products WHERE product_id = in_product_id FOR SHARE);
  CALL _lock_purchase(in_order_id);
  IF in_named_id IS NOT NULL AND in_order_id IS NOT NULL THEN
    CALL _name_payment(in_named_id, in_order_id);
  END IF;
  -- Money may wait whose order this event is the first to name: then it is decided now.
  SELECT TRUE, state = 'waiting' AND NOT order_id <=> in_order_id
    INTO v_known, v_named_now
    FROM payments
   WHERE payment_id = in_payment_id
     FOR UPDATE;

  -- Now that all is locked: is it what was found before? Only a payment that is known can have had this event.
  SELECT NOT v_known OR NOT EXISTS (SELECT 1 FROM payment_webhooks WHERE idempotency_key = in_key) INTO out_taken;
  IF out_taken THEN
    CALL _find_payment(in_order_ref, in_named_id, in_status, v_payment_id, v_order_id);
    SELECT v_payment_id = in_payment_id AND v_order_id <=> in_order_id
           AND (in_product_id IS NOT NULL OR in_status <> 'succeeded'
                OR NOT EXISTS (SELECT 1 FROM orders WHERE order_id = in_order_id AND cancelled_as = 'lapsed'))
      INTO out_taken;
  END IF;

  IF out_taken THEN
    IF v_known THEN
      UPDATE payments SET order_id = in_order_id WHERE payment_id = in_payment_id;
    ELSE
      INSERT INTO payments (payment_id, order_id, state, created_at) VALUES (in_payment_id, in_order_id, 'open', UTC_TIMESTAMP(6));
    END IF;
    CALL _book_event(in_payment_id, in_order_id, in_named_id IS NULL, in_key, in_status, in_amount, in_currency,
                     v_outcome, v_reason, v_decide);
    INSERT INTO payment_webhooks (idempotency_key, payment_id, order_id, order_ref, payment_status, amount_minor, currency,
                                  occurred_at, payload, outcome, reason, deliveries, first_received_at, last_received_at, settled_at)
    VALUES (in_key, in_payment_id, in_order_id, IF(LOWER(in_order_ref) = BIN_TO_UUID(in_order_id), NULL, in_order_ref), in_status, in_amount, in_currency,
            in_occurred_at, in_payload, v_outcome, v_reason, 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6),
            IF(v_outcome = 'parked', NULL, UTC_TIMESTAMP(6)));
    IF v_decide OR v_named_now THEN
      CALL _decide_payment(in_payment_id, FALSE);
    ELSEIF v_outcome = 'applied' THEN
      CALL _settle_payment(in_payment_id);
    END IF;
  END IF;
END $$

DELIMITER ;
