DELIMITER $$

DROP PROCEDURE IF EXISTS _settle_due_payments $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _settle_due_payments (
  IN in_order_id BINARY(16),
  IN in_reason VARCHAR(255)
)
COMMENT '
Description
  The money of this order that was due for a refund has gone back: the payments say so from now on. In the transaction of its
  caller, who has locked the order, or the ended hold that never became one.

Locks
  the webhooks of the order
'
BEGIN
  UPDATE payment_webhooks
     SET outcome = 'refunded',
         reason = in_reason,
         settled_at = UTC_TIMESTAMP(6)
   WHERE order_id = in_order_id AND outcome = 'refund_due';
END $$

DELIMITER ;
