DELIMITER $$

DROP PROCEDURE IF EXISTS _notify_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _notify_orders (
  IN in_kind VARCHAR(20),
  IN in_order_ids JSON
)
COMMENT '
Description
  Writes down that every receiver is to be told what just became of orders, in the transaction of its caller, who has made or locked
  them. Without a receiver it does nothing.

Parameters
  in_kind      VARCHAR  order.created, order.paid, order.cancelled or order.refunded
  in_order_ids JSON     array of ids as texts; NULL: none

Locks
  none that anybody waits for
'
BEGIN
  DECLARE v_told BOOLEAN;

  -- Without a receiver the INSERT would do nothing, but be planned, for each set of orders and payments.
  SELECT EXISTS (SELECT 1 FROM notification_receivers) INTO v_told;
  IF v_told THEN
    INSERT INTO notifications (receiver, kind, subject, body, created_at, due_at)
    SELECT r.receiver, in_kind, o.order_uuid,
           JSON_OBJECT('type', in_kind,
                       'timestamp', DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ'),
                       'data', JSON_OBJECT('order_id', o.order_uuid, 'product_id', o.product_id, 'qty', o.qty, 'customer_id', o.customer_id,
                                           'reference', o.reference, 'status', o.status, 'unit_price', o.unit_price_minor, 'amount', o.amount_minor,
                                           'currency', o.currency, 'payment_id', o.payment_id,
                                           'created_at', DATE_FORMAT(o.created_at, '%Y-%m-%dT%H:%i:%s.%fZ'),
                                           'pay_by', DATE_FORMAT(o.pay_by, '%Y-%m-%dT%H:%i:%s.%fZ'),
                                           'paid_at', DATE_FORMAT(o.paid_at, '%Y-%m-%dT%H:%i:%s.%fZ'),
                                           'closed_at', DATE_FORMAT(o.closed_at, '%Y-%m-%dT%H:%i:%s.%fZ'),
                                           'cancelled_as', o.cancelled_as, 'closed_reason', o.closed_reason)),
           UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
      FROM notification_receivers AS r
      STRAIGHT_JOIN JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS changed
      STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = UUID_TO_BIN(changed.id);
  END IF;
END $$

DELIMITER ;
