DELIMITER $$

DROP PROCEDURE IF EXISTS _settle_orphaned_payments $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _settle_orphaned_payments (
  IN in_order_id BINARY(16),
  IN in_limit INT,
  OUT out_settled INT
)
COMMENT '
Description
  Settles up to in_limit parked payments whose hold ended without an order, in the transaction of its caller: the order
  can never come, so a success is due for a refund and anything else is ignored.

Parameters
  in_order_id BINARY(16)  settle the payments of this order only; NULL: of all
  in_limit    INT
  out_settled INT

Locks
  parked webhooks, skipping locked ones
'
BEGIN
  DECLARE v_webhook_ids JSON;

  SELECT JSON_ARRAYAGG(webhook_id), COUNT(*)
    INTO v_webhook_ids, out_settled
    FROM (SELECT w.webhook_id
            FROM payment_webhooks AS w
            JOIN hold_history AS h ON h.hold_id = w.order_id
           WHERE w.outcome = 'parked'
             AND h.ended_as IN ('expired', 'released')
             AND (in_order_id IS NULL OR w.order_id = in_order_id)
           LIMIT in_limit
             FOR UPDATE OF w SKIP LOCKED) AS orphaned;

  IF out_settled > 0 THEN
    UPDATE JSON_TABLE(v_webhook_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS orphaned
      STRAIGHT_JOIN payment_webhooks AS w ON w.webhook_id = orphaned.id
       SET w.outcome = IF(w.payment_status = 'succeeded', 'refund_due', 'ignored'),
           w.reason = IF(w.payment_status = 'succeeded', 'paid, but the hold ended without an order: refund it',
                         'the hold ended without an order'),
           w.settled_at = UTC_TIMESTAMP(6);
  END IF;
END $$

DELIMITER ;
