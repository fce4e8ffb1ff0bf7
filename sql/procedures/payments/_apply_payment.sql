DELIMITER $$

DROP PROCEDURE IF EXISTS _apply_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _apply_payment (
  IN in_webhook_id BIGINT UNSIGNED
)
COMMENT '
Description
  Lets one payment event of the inbox act on its order, in the transaction of its caller, who has locked the order.
  The state of the order decides, never the time of arrival:

    order       succeeded                         failed                 refunded
    pending     paid                              cancelled, units back  ignored
    paid        ignored                           ignored                refunded, units back
    cancelled   paid again if the units can be    ignored                ignored
                taken back, else refund_due
    refund_due  ignored                           ignored                refunded
    refunded    ignored                           ignored                ignored

  A succeeded payment of another amount or currency pays nothing: amount_mismatch.

Locks
  the order and the webhook, then customer_units, then stock_stripes
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_event VARCHAR(9);
  DECLARE v_status VARCHAR(10);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_qty INT;
  DECLARE v_customer_id VARCHAR(128);
  DECLARE v_amount_differs BOOLEAN;
  DECLARE v_owed VARCHAR(64);
  DECLARE v_retaken BOOLEAN;
  DECLARE v_outcome VARCHAR(15) DEFAULT 'applied';
  DECLARE v_reason VARCHAR(255);

  SELECT w.order_id, w.payment_status, o.status, o.product_id, o.qty, o.customer_id,
         COALESCE(w.amount_minor <> o.amount_minor, FALSE) OR COALESCE(w.currency <> o.currency, FALSE),
         CONCAT(o.amount_minor, ' ', o.currency)
    INTO v_order_id, v_event, v_status, v_product_id, v_qty, v_customer_id, v_amount_differs, v_owed
    FROM payment_webhooks AS w
    JOIN orders AS o ON o.order_id = w.order_id
   WHERE w.webhook_id = in_webhook_id
     FOR UPDATE;

  CASE CONCAT(v_status, ' ', v_event)
    WHEN 'pending failed' THEN
      CALL _close_orders(v_product_id, JSON_ARRAY(BIN_TO_UUID(v_order_id)), 'cancelled', 'payment failed');
    WHEN 'paid refunded' THEN
      CALL _close_orders(v_product_id, JSON_ARRAY(BIN_TO_UUID(v_order_id)), 'refunded', 'payment refunded');
    WHEN 'refund_due refunded' THEN
      UPDATE orders SET status = 'refunded', closed_at = UTC_TIMESTAMP(6), closed_reason = 'payment refunded'
       WHERE order_id = v_order_id;
    ELSE
      IF v_event <> 'succeeded' OR v_status NOT IN ('pending', 'cancelled') THEN
        SET v_outcome = 'ignored', v_reason = CONCAT('the order is ', v_status);
      ELSEIF v_amount_differs THEN
        SET v_outcome = 'amount_mismatch', v_reason = CONCAT('the order is for ', v_owed, ' and stays ', v_status);
      ELSE
        SET v_retaken = TRUE;
        IF v_status = 'cancelled' THEN
          CALL _retake_units(v_product_id, v_customer_id, v_qty, v_retaken);
        END IF;
        IF v_retaken THEN
          UPDATE orders SET status = 'paid', paid_at = UTC_TIMESTAMP(6), closed_at = NULL, closed_reason = NULL
           WHERE order_id = v_order_id;
        ELSE
          SET v_outcome = 'refund_due', v_reason = 'paid after the order was cancelled and its units sold: refund it';
          UPDATE orders SET status = 'refund_due', paid_at = UTC_TIMESTAMP(6), closed_at = UTC_TIMESTAMP(6),
                            closed_reason = v_reason
           WHERE order_id = v_order_id;
        END IF;
      END IF;
  END CASE;

  UPDATE payment_webhooks
     SET outcome = v_outcome, reason = v_reason, settled_at = UTC_TIMESTAMP(6)
   WHERE webhook_id = in_webhook_id;
END $$

DELIMITER ;
