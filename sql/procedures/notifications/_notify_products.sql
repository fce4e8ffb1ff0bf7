DELIMITER $$

DROP PROCEDURE IF EXISTS _notify_products $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _notify_products ()
COMMENT '
Description
  Writes down that receivers are to be told which products are sold out by now, and which can be bought again, in the transaction of its
  caller, the sweep: only its last buyer would know, and could not see whether another one holds a unit. Sold out is a product of which
  no unit is free or held. What a receiver was told last of a product decides whether there is something new.

Locks
  none that anybody waits for
'
BEGIN
  INSERT INTO notifications (receiver, kind, subject, body, created_at, due_at)
  SELECT t.receiver, t.kind, CONCAT('product ', t.product_id),
         JSON_OBJECT('type', t.kind,
                     'timestamp', DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ'),
                     'data', JSON_OBJECT('product_id', t.product_id, 'name', t.name, 'stock_total', t.stock_total, 'available', t.available)),
         UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
    FROM (SELECT r.receiver, p.product_id, p.name, p.stock_total, s.available,
                 CASE WHEN s.available > 0 THEN 'product.available' ELSE 'product.sold_out' END AS kind,
                 (SELECT n.kind
                    FROM notifications AS n FORCE INDEX (ix_notifications_subject_receiver)
                   WHERE n.subject = CONCAT('product ', p.product_id) AND n.receiver = r.receiver
                   ORDER BY n.notification_id DESC
                   LIMIT 1) AS told
            FROM notification_receivers AS r
            STRAIGHT_JOIN products AS p
            JOIN LATERAL (SELECT SUM(u.available) AS available FROM stock_stripes AS u WHERE u.product_id = p.product_id) AS s
           WHERE p.stock_total > 0 AND p.stopped_at IS NULL
             AND (s.available > 0 OR NOT EXISTS (SELECT 1 FROM holds AS h WHERE h.product_id = p.product_id))) AS t
   WHERE t.kind <> COALESCE(t.told, 'product.available')
   ORDER BY t.product_id;
END $$

DELIMITER ;
