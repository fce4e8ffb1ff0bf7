DELIMITER $$

-- Money owed: what came in, does not pay for anything and has not gone back yet, a row for each payment. This is its one definition.
-- Of a payment that pays its order it is what was to go back in part, when that refund failed. amount_due NULL: nobody named an amount.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW money_owed AS
SELECT w.payment_id, w.order_id, w.order_uuid, IF(w.state = 'due', w.amount_minor, w.returning_minor) - w.refunded_minor AS amount_due,
       w.currency, w.received_at, COALESCE(w.reason, 'a refund failed') AS reason
  FROM payments AS w
 WHERE w.follow_up = 'refund' $$

DELIMITER ;
