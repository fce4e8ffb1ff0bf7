DELIMITER $$

DROP PROCEDURE IF EXISTS _apply_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _apply_payment (
  IN in_webhook_id BIGINT UNSIGNED,
  OUT out_outcome VARCHAR(15),
  OUT out_reason VARCHAR(255),
  OUT out_order_status VARCHAR(10)
)
COMMENT '
Description
  Lets one payment event of the inbox act on its order, in the transaction of its caller, who has locked the order.
  What it does stands in the table payment_rules: the state of the order decides, never the time of arrival.
  An event that made its order due for a refund and is decided anew finds the order as it was then: cancelled.

Parameters
  out_outcome, out_reason  what is kept with the event now
  out_order_status         what the order is now

Locks
  the order and the webhook, then the product (shared), customer_units, stock_stripes
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_qty INT;
  DECLARE v_customer_id VARCHAR(128);
  DECLARE v_counts BOOLEAN;
  DECLARE v_overdue_at DATETIME(6);
  DECLARE v_status VARCHAR(10);
  DECLARE v_state VARCHAR(10);
  DECLARE v_event VARCHAR(15);
  DECLARE v_owed VARCHAR(64);
  DECLARE v_refunded BIGINT;
  DECLARE v_outcome VARCHAR(15);
  DECLARE v_becomes VARCHAR(10);
  DECLARE v_units VARCHAR(9);
  DECLARE v_reason VARCHAR(255);
  DECLARE v_retaken BOOLEAN DEFAULT TRUE;

  SELECT o.order_id, o.product_id, o.qty, o.customer_id, p.counts_customers, o.status,
         CASE
           WHEN o.status = 'pending' AND o.pay_by <= UTC_TIMESTAMP(6) THEN 'overdue'
           WHEN o.status = 'refund_due' AND w.outcome = 'refund_due' THEN 'cancelled'
           ELSE o.status
         END,
         CASE
           WHEN w.payment_status = 'failed' THEN 'failed'
           WHEN COALESCE(w.currency <> o.currency, FALSE) THEN 'mismatched'
           WHEN w.payment_status = 'succeeded' THEN IF(COALESCE(w.amount_minor <> o.amount_minor, FALSE), 'mismatched', 'succeeded')
           WHEN w.amount_minor NOT BETWEEN 1 AND o.amount_minor THEN 'mismatched'
           WHEN w.amount_minor < o.amount_minor THEN 'partly_refunded'
           ELSE 'refunded'
         END,
         IF(o.pay_by <= UTC_TIMESTAMP(6), o.pay_by, NULL), CONCAT(o.amount_minor, ' ', o.currency),
         IF(w.payment_status = 'refunded', COALESCE(w.amount_minor, o.amount_minor), 0)
    INTO v_order_id, v_product_id, v_qty, v_customer_id, v_counts, v_status, v_state, v_event, v_overdue_at, v_owed,
         v_refunded
    FROM payment_webhooks AS w
    JOIN orders AS o ON o.order_id = w.order_id
    JOIN products AS p ON p.product_id = o.product_id
   WHERE w.webhook_id = in_webhook_id
     FOR UPDATE OF w, o;

  SELECT outcome, order_becomes, units, reason
    INTO v_outcome, v_becomes, v_units, v_reason
    FROM payment_rules
   WHERE order_state = v_state AND event = v_event;
  IF v_units = 'take back' THEN
    CALL _retake_units(v_product_id, v_customer_id, v_qty, v_retaken);
    IF NOT v_retaken THEN
      SELECT outcome, order_becomes, reason
        INTO v_outcome, v_becomes, v_reason
        FROM payment_rules
       WHERE order_state = 'sold_on' AND event = v_event;
    END IF;
  END IF;

  IF v_units = 'return' THEN
    CALL _close_orders(v_product_id, JSON_ARRAY(BIN_TO_UUID(v_order_id)), v_becomes, v_reason);
  ELSEIF v_outcome IN ('applied', 'refund_due') THEN
    IF v_becomes = 'paid' AND v_status = 'pending' AND v_counts THEN
      CALL _pay_customer_units(v_product_id, v_customer_id, v_qty, v_overdue_at);
    ELSEIF v_becomes = 'refunded' THEN
      CALL _settle_due_payments(v_order_id, v_reason);
    END IF;
    UPDATE orders
       SET status = COALESCE(v_becomes, status),
           paid_at = IF(v_event = 'succeeded', UTC_TIMESTAMP(6), paid_at),
           closed_at = CASE WHEN v_becomes = 'paid' THEN NULL WHEN v_becomes IS NULL THEN closed_at ELSE UTC_TIMESTAMP(6) END,
           closed_reason = CASE WHEN v_becomes IS NULL THEN closed_reason ELSE v_reason END,
           refunded_minor = GREATEST(refunded_minor, v_refunded)
     WHERE order_id = v_order_id;
  END IF;

  SET out_outcome = v_outcome,
      out_order_status = COALESCE(v_becomes, v_status),
      out_reason = CASE v_outcome
                     WHEN 'applied' THEN NULL
                     WHEN 'amount_mismatch' THEN CONCAT('the order is for ', v_owed, '; ', v_reason)
                     ELSE v_reason
                   END;
  UPDATE payment_webhooks
     SET outcome = out_outcome,
         reason = out_reason,
         settled_at = UTC_TIMESTAMP(6)
   WHERE webhook_id = in_webhook_id;
END $$

DELIMITER ;
