DELIMITER $$

-- Payment events that have waited for their order for more than a quarter of an hour, though no live hold could still become it:
-- their id is of nothing we know. Somebody has to look; record_refund clears them.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW parked_too_long AS
SELECT w.webhook_id, w.idempotency_key, w.order_uuid AS order_id, w.payment_status, w.first_received_at AS parked_at
  FROM payment_webhooks AS w
 WHERE w.outcome = 'parked'
   AND w.first_received_at < UTC_TIMESTAMP(6) - INTERVAL 15 MINUTE
   AND NOT EXISTS (SELECT 1 FROM holds AS h WHERE h.hold_id = w.order_id AND h.expires_at > UTC_TIMESTAMP(6)) $$

DELIMITER ;
