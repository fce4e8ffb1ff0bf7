DELIMITER $$

DROP PROCEDURE IF EXISTS _make_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _make_order (
  IN in_hold_id BINARY(16),
  IN in_idempotency_key LONGTEXT,
  IN in_reference LONGTEXT,
  IN in_metadata JSON
)
COMMENT '
Description
  Makes the order of a hold, in the transaction of its caller, who has locked the product (shared) and the hold and knows that the
  hold is live. The order costs what its buyer saw; at a price of 0 it is paid at once. Payments that waited for it are decided. What is plain
  of that _make_orders does to many.

Locks
  the order, its payments and their webhooks, customer_units; what payments do to the order: see _decide_payment
'
BEGIN
  DECLARE v_free, v_paid_for, v_told BOOLEAN;

  INSERT INTO orders (order_id, product_id, qty, customer_id, idempotency_key, reference, metadata, unit_price_minor, amount_minor, currency,
                      status, created_at, pay_by, paid_at)
  SELECT h.hold_id, h.product_id, h.qty, h.customer_id, in_idempotency_key, in_reference, in_metadata, h.unit_price_minor,
         h.unit_price_minor * h.qty, p.currency, IF(h.unit_price_minor = 0, 'paid', 'pending'), UTC_TIMESTAMP(6),
         UTC_TIMESTAMP(6) + INTERVAL p.payment_seconds SECOND, IF(h.unit_price_minor = 0, UTC_TIMESTAMP(6), NULL)
    FROM holds AS h
    JOIN products AS p ON p.product_id = h.product_id
   WHERE h.hold_id = in_hold_id;

  -- What _end_holds does to many: for one, JSON_TABLE would cost a tenth of the whole order.
  INSERT INTO hold_history
         (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, expires_at, extended_at, ended_at, ended_as)
  SELECT hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, ends_at,
         extended_at, UTC_TIMESTAMP(6), 'ordered'
    FROM hold_deadlines
   WHERE hold_id = in_hold_id;
  DELETE FROM holds WHERE hold_id = in_hold_id;

  SELECT o.amount_minor = 0, EXISTS (SELECT 1 FROM payments AS w WHERE w.order_id = in_hold_id),
         EXISTS (SELECT 1 FROM notification_receivers)
    INTO v_free, v_paid_for, v_told
    FROM orders AS o
   WHERE o.order_id = in_hold_id;
  IF v_told THEN
    CALL _notify_orders('order.created', JSON_ARRAY(BIN_TO_UUID(in_hold_id)));
    IF v_free THEN
      CALL _notify_orders('order.paid', JSON_ARRAY(BIN_TO_UUID(in_hold_id)));
    END IF;
  END IF;
  IF v_paid_for THEN
    CALL _decide_payments_of(in_hold_id);
  END IF;
  IF v_free THEN
    CALL _pay_customer_units(in_hold_id);
  END IF;
END $$

DELIMITER ;
