DELIMITER $$

DROP PROCEDURE IF EXISTS list_refunds_due $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_refunds_due ()
COMMENT '
Description
  Lists the payments whose money has to go back, oldest first: of orders that are refund_due, of holds that ended without an
  order, and those that have been parked too long for an id that nobody knows. record_refund clears them; so does the
  provider''s event that tells of the refund.

Parameters
  none

Result set
  order_id, idempotency_key (the provider''s id of the payment), product_id and customer_id (NULL: not known), amount (minor
  units still to be given back; NULL: the payment named none), currency, received_at (UTC), reason; no row when none is due

Errors
  none

Locks
  none

Example
  mysql> CALL list_refunds_due()\\G
  *************************** 1. row ***************************
         order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
  idempotency_key: evt_9
       product_id: 1
      customer_id: alice
           amount: 25800
         currency: EUR
      received_at: 2026-11-27 09:10:00.000000
           reason: paid after the order was cancelled and its units sold: refund it
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT w.order_uuid AS order_id, w.idempotency_key, COALESCE(o.product_id, h.product_id) AS product_id,
         COALESCE(o.customer_id, h.customer_id) AS customer_id,
         COALESCE(o.amount_minor - o.refunded_minor, w.amount_minor) AS amount, COALESCE(o.currency, w.currency) AS currency,
         w.first_received_at AS received_at, COALESCE(w.reason, 'paid for an id that is no hold and no order: refund it') AS reason
    FROM (SELECT webhook_id FROM payment_webhooks WHERE outcome = 'refund_due'
           UNION ALL
          SELECT webhook_id FROM parked_too_long WHERE payment_status = 'succeeded') AS due
    JOIN payment_webhooks AS w ON w.webhook_id = due.webhook_id
    LEFT JOIN orders AS o ON o.order_id = w.order_id
    LEFT JOIN hold_history AS h ON h.hold_id = w.order_id
   ORDER BY w.webhook_id;
  COMMIT;
END $$

DELIMITER ;
