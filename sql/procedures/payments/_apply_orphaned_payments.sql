DELIMITER $$

DROP PROCEDURE IF EXISTS _apply_orphaned_payments $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _apply_orphaned_payments (
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  Settles the payment events of a hold that ended without an order, by the rules of hold_ended in payment_rules, in the
  transaction of its caller, who has locked the ended hold. A refund settles a payment that is due for one, whichever came
  first: it is tried again with each event.

Locks
  the webhooks of the order
'
BEGIN
  DECLARE v_refund_id, v_payment_id BIGINT UNSIGNED;

  UPDATE payment_webhooks AS w
    STRAIGHT_JOIN payment_rules AS r ON r.order_state = 'hold_ended' AND r.event = w.payment_status
     SET w.outcome = r.outcome,
         w.reason = r.reason,
         w.settled_at = UTC_TIMESTAMP(6)
   WHERE w.order_id = in_order_id AND w.outcome = 'parked';

  -- Each refund settles one payment: one of the same money, as far as both name it. What fits nothing is left for the operator.
  REPEAT
    SELECT MIN(r.webhook_id)
      INTO v_refund_id
      FROM payment_webhooks AS r
     WHERE r.order_id = in_order_id AND r.payment_status = 'refunded' AND r.outcome = 'ignored'
       AND EXISTS (SELECT 1
                     FROM payment_webhooks AS d
                    WHERE d.order_id = r.order_id AND d.outcome = 'refund_due'
                      AND COALESCE(d.amount_minor = r.amount_minor, TRUE) AND COALESCE(d.currency = r.currency, TRUE));
    IF v_refund_id IS NOT NULL THEN
      SELECT MIN(d.webhook_id)
        INTO v_payment_id
        FROM payment_webhooks AS r
        STRAIGHT_JOIN payment_webhooks AS d ON d.order_id = r.order_id AND d.outcome = 'refund_due'
       WHERE r.webhook_id = v_refund_id
         AND COALESCE(d.amount_minor = r.amount_minor, TRUE) AND COALESCE(d.currency = r.currency, TRUE);
      UPDATE payment_webhooks
         SET outcome = IF(webhook_id = v_refund_id, 'applied', 'refunded'),
             reason = IF(webhook_id = v_refund_id, NULL, 'payment refunded'),
             settled_at = UTC_TIMESTAMP(6)
       WHERE webhook_id IN (v_refund_id, v_payment_id);
    END IF;
  UNTIL v_refund_id IS NULL END REPEAT;
END $$

DELIMITER ;
