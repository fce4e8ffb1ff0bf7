DELIMITER $$

DROP PROCEDURE IF EXISTS _select_webhook $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _select_webhook (
  IN in_idempotency_key LONGTEXT,
  IN in_replayed BOOLEAN
)
COMMENT '
Description
  Returns a payment event and what it did as the result set of its caller.

Result set
  as receive_payment_webhook documents it
'
BEGIN
  SELECT w.webhook_id, w.idempotency_key, w.payment_id, w.order_uuid AS order_id, w.payment_status, w.outcome, w.reason,
         p.state AS payment_state, o.status AS order_status, w.deliveries, in_replayed AS replayed
    FROM payment_webhooks AS w
    LEFT JOIN payments AS p ON p.payment_id = w.payment_id
    LEFT JOIN orders AS o ON o.order_id = COALESCE(p.order_id, w.order_id)
   WHERE w.idempotency_key = in_idempotency_key;
END $$

DELIMITER ;
