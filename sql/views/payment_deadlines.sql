DELIMITER $$

-- Until when a payment waits for somebody to make an order that nobody knows: then it is due. A row for each payment.
-- The one home of that rule: the sweep, the operator's second look and the invariants ask here.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW payment_deadlines AS
SELECT w.payment_id, w.order_id, w.follow_up, w.received_at, COALESCE(w.received_at, w.created_at) + INTERVAL 15 MINUTE AS waits_until
  FROM payments AS w $$

DELIMITER ;
