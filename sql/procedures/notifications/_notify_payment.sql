DELIMITER $$

DROP PROCEDURE IF EXISTS _notify_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _notify_payment (
  IN in_kind VARCHAR(20),
  IN in_payment_id VARCHAR(255)
)
COMMENT '
Description
  Writes down that every receiver is to be told of a payment, in the transaction of its caller, who has locked it and its order. Without
  a receiver, or when payment.due is said of a payment of which nothing is owed, it does nothing.

Parameters
  in_kind VARCHAR  payment.due or payment.disputed

Locks
  none that anybody waits for
'
BEGIN
  INSERT INTO notifications (receiver, kind, subject, body, created_at, due_at)
  SELECT r.receiver, in_kind, COALESCE(w.order_uuid, w.payment_id),
         JSON_OBJECT('type', in_kind,
                     'timestamp', DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ'),
                     'data', JSON_OBJECT('payment_id', w.payment_id, 'order_id', w.order_uuid, 'state', w.state, 'amount', w.amount_minor,
                                         'currency', w.currency, 'amount_due', d.amount_due, 'dispute', w.dispute, 'reason', d.reason)),
         UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
    FROM notification_receivers AS r
    STRAIGHT_JOIN payments AS w FORCE INDEX (PRIMARY) ON w.payment_id = in_payment_id
    LEFT JOIN money_owed AS d ON d.payment_id = w.payment_id
   WHERE in_kind <> 'payment.due' OR d.payment_id IS NOT NULL;
END $$

DELIMITER ;
