DELIMITER $$

DROP PROCEDURE IF EXISTS _apply_waiting_payments $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _apply_waiting_payments (
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  Lets the payment events of an order that wait act on it, in the transaction of its caller, who has locked the order: those
  that came before the order, the one that has just come, and refunds that found nothing to refund when they came.
  A success goes first and a refund last, so that the order in which they came makes no difference.

Locks
  the waiting webhooks of the order; what they do to it: see _apply_payment
'
BEGIN
  DECLARE v_webhook_id BIGINT UNSIGNED;
  DECLARE v_outcome VARCHAR(15);
  DECLARE v_reason VARCHAR(255);
  DECLARE v_status VARCHAR(10);
  DECLARE v_done BOOLEAN DEFAULT FALSE;
  DECLARE c_waiting CURSOR FOR
    SELECT webhook_id
      FROM payment_webhooks
     WHERE order_id = in_order_id
       AND (outcome = 'parked' OR (outcome = 'ignored' AND payment_status = 'refunded'))
     ORDER BY payment_status, webhook_id   -- succeeded, failed, refunded: the order of the ENUM
       FOR UPDATE;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_done = TRUE;

  OPEN c_waiting;
  FETCH c_waiting INTO v_webhook_id;
  WHILE NOT v_done DO
    CALL _apply_payment(v_webhook_id, v_outcome, v_reason, v_status);
    FETCH c_waiting INTO v_webhook_id;
  END WHILE;
  CLOSE c_waiting;
END $$

DELIMITER ;
