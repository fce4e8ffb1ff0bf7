DELIMITER $$

-- What must never be of money: a row for each violation, for invariant_violations.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW money_violations AS
-- What came in pays its order, is due, went back, or waits; nothing else, and nothing twice.
SELECT 'money_does_not_add_up' AS violation, CAST(NULL AS UNSIGNED) AS product_id,
       CONCAT('payment ', m.payment_id, ': ', m.amount_minor, ' came in; pays ', m.pays, ', due ', m.due, ', back ', m.back,
              ', waits ', m.waits) AS detail
  FROM (SELECT w.payment_id, w.amount_minor, w.refunded_minor AS back, COALESCE(d.amount_due, 0) AS due,
               COALESCE(o.amount_minor - w.returning_minor, 0) AS pays,
               IF(w.state = 'waiting', w.amount_minor - w.refunded_minor, 0) AS waits
          FROM payments AS w
          LEFT JOIN orders AS o ON o.payment_id = w.payment_id AND o.order_id = w.order_id AND o.status = 'paid'
          LEFT JOIN money_owed AS d ON d.payment_id = w.payment_id
         WHERE w.amount_minor IS NOT NULL) AS m
 WHERE m.amount_minor <> m.pays + m.due + m.back + m.waits
 UNION ALL
SELECT 'paid_without_payment', o.product_id, CONCAT('order ', o.order_uuid, ', payment ', COALESCE(o.payment_id, 'none'))
  FROM orders AS o
  LEFT JOIN payments AS w ON w.payment_id = o.payment_id AND w.order_id = o.order_id AND w.state = 'paying'
                             AND w.amount_minor = o.amount_minor AND w.currency = o.currency
 WHERE o.status = 'paid' AND o.amount_minor > 0 AND w.payment_id IS NULL
 UNION ALL
SELECT 'refunded_without_refund', o.product_id, CONCAT('order ', o.order_uuid, ', payment ', COALESCE(o.payment_id, 'none'))
  FROM orders AS o
  LEFT JOIN payments AS w ON w.payment_id = o.payment_id AND w.order_id = o.order_id AND w.state IN ('due', 'settled')
                             AND w.amount_minor = o.amount_minor AND w.currency = o.currency
                             AND w.returning_minor = w.amount_minor
 WHERE o.status = 'refunded' AND w.payment_id IS NULL
 UNION ALL
SELECT 'payment_pays_nothing', o.product_id, CONCAT('payment ', w.payment_id, ', order ', COALESCE(w.order_uuid, 'none'))
  FROM payments AS w
  LEFT JOIN orders AS o ON o.order_id = w.order_id
 WHERE w.state = 'paying' AND (o.payment_id = w.payment_id AND o.status = 'paid') IS NOT TRUE
 UNION ALL
SELECT 'payment_state_unlike_money', NULL,
       CONCAT('payment ', w.payment_id, ' is ', w.state, '; ', w.returning_minor, ' went back or should of ',
              COALESCE(w.amount_minor, 'what nobody named'))
  FROM payments AS w
 WHERE (w.state = 'paying' AND w.returning_minor >= w.amount_minor) OR (w.state = 'due' AND w.refunded_minor >= w.amount_minor)
    OR (w.state = 'settled' AND w.refunded_minor < w.amount_minor)
    OR (w.state IN ('due', 'settled') AND w.amount_minor IS NULL
        AND (w.state = 'settled') <> (w.refund_told_minor = 9223372036854775807 AND w.refunds_told > w.refunds_failed))
 UNION ALL
SELECT 'payment_without_reason', NULL, CONCAT('payment ', w.payment_id, ' is ', w.state, '; reason: ', COALESCE(w.reason, 'none'))
  FROM payments AS w
 WHERE (w.reason IS NULL) = (w.state IN ('due', 'settled'))
 UNION ALL
SELECT 'payment_waits_beside_order', o.product_id, CONCAT('payment ', w.payment_id, ', order ', o.order_uuid)
  FROM payments AS w
  JOIN orders AS o ON o.order_id = w.order_id
 WHERE w.state = 'waiting' $$

DELIMITER ;
