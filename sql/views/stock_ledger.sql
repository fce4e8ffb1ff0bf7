DELIMITER $$

-- Everything that happened to the units of a product and to its sale: when, what, how many units came to the free ones or left
-- them, whose, who and why. The units of a product add up to those that are free. An order that was cancelled and paid late all
-- the same shows as paid: the ledger is made of what is, not kept beside it.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW stock_ledger AS
SELECT a.created_at AS happened_at, a.product_id, IF(a.delta < 0, 'withdrawn', 'added') AS entry, a.delta AS units,
       NULL AS order_id, NULL AS customer_id, a.account, a.reason
  FROM stock_adjustments AS a
 UNION ALL
SELECT h.created_at, h.product_id, 'held', -h.qty, h.hold_uuid, h.customer_id, NULL, NULL
  FROM holds AS h
 UNION ALL
SELECT e.created_at, e.product_id, 'held', -e.qty, e.hold_uuid, e.customer_id, NULL, NULL
  FROM hold_history AS e
 UNION ALL
SELECT e.ended_at, e.product_id, e.ended_as, IF(e.ended_as = 'ordered', 0, e.qty), e.hold_uuid, e.customer_id, NULL, NULL
  FROM hold_history AS e
 UNION ALL
SELECT o.paid_at, o.product_id, 'paid', 0, o.order_uuid, o.customer_id, NULL, NULL
  FROM orders AS o
 WHERE o.paid_at IS NOT NULL
 UNION ALL
SELECT o.closed_at, o.product_id, o.status, IF(o.fulfilled_at IS NULL, o.qty, 0), o.order_uuid, o.customer_id, NULL, o.closed_reason
  FROM orders AS o
 WHERE o.closed_at IS NOT NULL
 UNION ALL
SELECT o.fulfilled_at, o.product_id, 'fulfilled', 0, o.order_uuid, o.customer_id, NULL, NULL
  FROM orders AS o
 WHERE o.fulfilled_at IS NOT NULL
 UNION ALL
SELECT a.created_at, a.product_id, a.action, 0, a.order_uuid, NULL, a.account, CONCAT_WS(': ', a.reason, a.detail)
  FROM operator_actions AS a $$

DELIMITER ;
