DELIMITER $$

DROP PROCEDURE IF EXISTS _apply_parked_payments $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _apply_parked_payments (
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  Lets the payments that came before their order act on it, in the transaction that makes the order. A success goes first and a
  refund last, so that the order in which they came makes no difference.

Locks
  the parked webhooks of the order; what they do to it: see _apply_payment
'
BEGIN
  DECLARE v_webhook_id BIGINT UNSIGNED;
  DECLARE v_done BOOLEAN DEFAULT FALSE;
  DECLARE c_parked CURSOR FOR
    SELECT webhook_id
      FROM payment_webhooks
     WHERE order_id = in_order_id AND outcome = 'parked'
     ORDER BY payment_status, webhook_id   -- succeeded, failed, refunded: the order of the ENUM
       FOR UPDATE;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_done = TRUE;

  OPEN c_parked;
  FETCH c_parked INTO v_webhook_id;
  WHILE NOT v_done DO
    CALL _apply_payment(v_webhook_id);
    FETCH c_parked INTO v_webhook_id;
  END WHILE;
  CLOSE c_parked;
END $$

DELIMITER ;
