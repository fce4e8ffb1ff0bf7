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
  webhook_id, idempotency_key, order_id, payment_status, outcome, reason, order_status, deliveries, replayed
'
BEGIN
  SELECT w.webhook_id, w.idempotency_key, w.order_uuid AS order_id, w.payment_status, w.outcome, w.reason,
         o.status AS order_status, w.deliveries, in_replayed AS replayed
    FROM payment_webhooks AS w
    LEFT JOIN orders AS o ON o.order_id = w.order_id
   WHERE w.idempotency_key = in_idempotency_key;
END $$

DELIMITER ;
