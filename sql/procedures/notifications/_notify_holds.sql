DELIMITER $$

DROP PROCEDURE IF EXISTS _notify_holds $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _notify_holds (
  IN in_hold_ids JSON
)
COMMENT '
Description
  Writes down that every receiver is to be told of holds that ended without their buyers'' doing (hold.expired; its status says whether
  the time ran out or an operator stopped the sale), in the transaction of its caller, who ended them. Without a receiver it does nothing.

Parameters
  in_hold_ids JSON  array of ids as texts

Locks
  none that anybody waits for
'
BEGIN
  INSERT INTO notifications (receiver, kind, subject, body, created_at, due_at)
  SELECT r.receiver, 'hold.expired', h.hold_uuid,
         JSON_OBJECT('type', 'hold.expired',
                     'timestamp', DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ'),
                     'data', JSON_OBJECT('hold_id', h.hold_uuid, 'product_id', h.product_id, 'qty', h.qty, 'customer_id', h.customer_id,
                                         'status', h.ended_as, 'unit_price', h.unit_price_minor,
                                         'created_at', DATE_FORMAT(h.created_at, '%Y-%m-%dT%H:%i:%s.%fZ'),
                                         'expires_at', DATE_FORMAT(h.expires_at, '%Y-%m-%dT%H:%i:%s.%fZ'),
                                         'ended_at', DATE_FORMAT(h.ended_at, '%Y-%m-%dT%H:%i:%s.%fZ'))),
         UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
    FROM notification_receivers AS r
    STRAIGHT_JOIN JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
    STRAIGHT_JOIN hold_history AS h FORCE INDEX (PRIMARY) ON h.hold_id = UUID_TO_BIN(ended.id);
END $$

DELIMITER ;
