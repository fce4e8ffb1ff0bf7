DELIMITER $$

-- The outbox tells what happened: a row for each violation, for invariant_violations.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW notification_violations AS
WITH told AS (
  SELECT n.notification_id, n.kind, n.subject, n.created_at, b.told_kind, b.told_at, b.order_id,
         b.hold_id, b.payment_id, b.product_id, b.qty, b.customer_id, b.reference
    FROM notifications AS n
    JOIN JSON_TABLE(n.body, '$' COLUMNS (
           told_kind VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.type',
           told_at VARCHAR(27) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.timestamp',
           order_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.data.order_id',
           hold_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.data.hold_id',
           payment_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.data.payment_id',
           product_id BIGINT PATH '$.data.product_id',
           qty BIGINT PATH '$.data.qty',
           customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.data.customer_id',
           reference VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.data.reference')) AS b)
SELECT 'notification_unlike_its_body' AS violation, CAST(NULL AS UNSIGNED) AS product_id,
       CONCAT('notification ', t.notification_id, ', ', t.kind, ' of ', t.subject) AS detail
  FROM told AS t
 WHERE (t.told_kind = t.kind
        AND t.told_at = DATE_FORMAT(t.created_at, '%Y-%m-%dT%H:%i:%s.%fZ')
        AND t.subject = CASE SUBSTRING_INDEX(t.kind, '.', 1)
                          WHEN 'order' THEN t.order_id
                          WHEN 'hold' THEN t.hold_id
                          WHEN 'payment' THEN COALESCE(t.order_id, t.payment_id)
                          ELSE CONCAT('product ', t.product_id) END) IS NOT TRUE
 UNION ALL
SELECT 'notification_unlike_its_order', NULL, CONCAT('notification ', t.notification_id, ', ', t.kind, ' of ', t.subject)
  FROM told AS t
  LEFT JOIN orders AS o ON o.order_id = IF(IS_UUID(t.order_id), UUID_TO_BIN(t.order_id), NULL)
 WHERE t.kind LIKE 'order.%'
   AND (o.product_id = t.product_id AND o.qty = t.qty AND o.customer_id <=> t.customer_id AND o.reference <=> t.reference
        AND (t.kind <> 'order.refunded' OR o.status = 'refunded')) IS NOT TRUE
 UNION ALL
SELECT 'notification_unlike_its_payment', NULL, CONCAT('notification ', t.notification_id, ', ', t.kind, ' of ', t.payment_id)
  FROM told AS t
 WHERE t.kind = 'payment.disputed' AND t.order_id IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM payments AS w WHERE w.payment_id = t.payment_id AND w.dispute IS NOT NULL)
   -- The order's own id stood for a payment that has its name by now (_name_payment).
   AND NOT EXISTS (SELECT 1
                     FROM payments AS w
                    WHERE t.payment_id = t.order_id AND w.order_id = IF(IS_UUID(t.order_id), UUID_TO_BIN(t.order_id), NULL)
                      AND w.dispute IS NOT NULL)
 UNION ALL
-- What is tried for three days was given up by now, unless nobody delivers at all. A row for each receiver, since there may be very many;
-- its host only, since an address may have a secret in its path.
SELECT 'notification_forgotten', NULL,
       CONCAT(COUNT(*), ' for ', SUBSTRING_INDEX(SUBSTRING_INDEX(n.receiver, '/', 3), '/', -1), ', the first of ', MIN(n.created_at),
              ' UTC; does an API with FLASHSALE_NOTIFY_URL run?')
  FROM notifications AS n
 WHERE n.state = 'pending' AND n.gives_up_at < UTC_TIMESTAMP(6) - INTERVAL 1 DAY
 GROUP BY n.receiver $$

DELIMITER ;
