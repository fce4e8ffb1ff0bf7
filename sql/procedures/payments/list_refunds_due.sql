DELIMITER $$

DROP PROCEDURE IF EXISTS list_refunds_due $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_refunds_due ()
COMMENT '
Description
  Lists the payments of which money has to go back, oldest first: a row for each payment, and what is due of it. record_refund
  settles one; so does the provider''s event that tells of the refund. accept_payment takes one of another amount as payment.

Parameters
  none

Result set
  payment_id, order_id (NULL: none that is an id of ours), product_id and customer_id (NULL: not known), amount_due (minor units;
  NULL: nobody named an amount), currency, received_at (UTC), order_status (NULL: no order), reason; no row when none is due

Errors
  none

Locks
  none

Example
  mysql> CALL list_refunds_due()\\G
  *************************** 1. row ***************************
    payment_id: pi_2
      order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
    product_id: 1
   customer_id: alice
    amount_due: 25800
      currency: EUR
   received_at: 2026-11-27 09:10:00.000000
  order_status: paid
        reason: the order is paid already
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT d.payment_id, d.order_uuid AS order_id, COALESCE(o.product_id, h.product_id) AS product_id,
         COALESCE(o.customer_id, h.customer_id) AS customer_id, d.amount_due, d.currency, d.received_at, o.status AS order_status,
         d.reason
    FROM money_owed AS d
    LEFT JOIN orders AS o ON o.order_id = d.order_id
    LEFT JOIN hold_history AS h ON h.hold_id = d.order_id
   ORDER BY d.received_at, d.payment_id;
  COMMIT;
END $$

DELIMITER ;
