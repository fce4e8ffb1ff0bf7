DELIMITER $$

-- What customers hold, ordered, paid, let expire: a row for each hold or the order it became, for a person who has one on the phone.
-- By customer_id it is quick; by id ask with purchase_id = UUID_TO_BIN('...').
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW purchases AS
SELECT o.customer_id, o.order_uuid AS id, o.order_id AS purchase_id, o.reference, o.product_id, p.name AS product, o.qty, o.status,
       o.amount_minor AS amount, o.currency, o.payment_id, o.created_at, d.pay_by AS due_at, o.paid_at, o.closed_at, o.closed_reason
  FROM orders AS o
  JOIN order_deadlines AS d ON d.order_id = o.order_id
  JOIN products AS p ON p.product_id = o.product_id
 UNION ALL
SELECT h.customer_id, h.hold_uuid, h.hold_id, NULL, h.product_id, p.name, h.qty, IF(h.is_live, 'held', 'expired'),
       h.qty * h.unit_price_minor, p.currency, NULL, h.created_at, h.ends_at, NULL, NULL, NULL
  FROM hold_deadlines AS h
  JOIN products AS p ON p.product_id = h.product_id
 UNION ALL
SELECT e.customer_id, e.hold_uuid, e.hold_id, NULL, e.product_id, p.name, e.qty, e.ended_as, e.qty * e.unit_price_minor, p.currency,
       NULL, e.created_at, e.expires_at, NULL, e.ended_at, NULL
  FROM hold_history AS e
  JOIN products AS p ON p.product_id = e.product_id
 WHERE e.ended_as <> 'ordered' $$

DELIMITER ;
