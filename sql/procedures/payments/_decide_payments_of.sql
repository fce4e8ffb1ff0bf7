DELIMITER $$

DROP PROCEDURE IF EXISTS _decide_payments_of $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _decide_payments_of (
  IN in_order_id BINARY(16)
)
COMMENT '
Description
  Decides the payments that came before their order, in the transaction of its caller, who has locked the order or made it just now:
  those of which money came in first, in the order they came, so that an attempt that failed does not cancel what another one paid;
  and of those what goes back wholly last, so that it takes nothing from another one.

Locks
  the payments of the order, each by its id, not by the entry of its order, which changes with its state; what they do to the order:
  see _decide_payment
'
BEGIN
  DECLARE v_payment_id VARCHAR(255);
  DECLARE v_done BOOLEAN DEFAULT FALSE;
  DECLARE c_payments CURSOR FOR
    SELECT p.payment_id
      FROM (SELECT payment_id
              FROM payments
             WHERE order_id = in_order_id
             ORDER BY payment_id
             LIMIT 18446744073709551615) AS mine
      STRAIGHT_JOIN payments AS p FORCE INDEX (PRIMARY) ON p.payment_id = mine.payment_id
     WHERE p.order_id = in_order_id AND p.state IN ('waiting', 'failed', 'open')
     ORDER BY p.received_at IS NULL, COALESCE(p.returning_minor >= p.amount_minor, FALSE), p.received_at, p.payment_id
       FOR UPDATE OF p;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_done = TRUE;

  OPEN c_payments;
  FETCH c_payments INTO v_payment_id;
  WHILE NOT v_done DO
    CALL _decide_payment(v_payment_id, FALSE);
    SET v_done = FALSE;   -- a SELECT in there may have found nothing
    FETCH c_payments INTO v_payment_id;
  END WHILE;
  CLOSE c_payments;
END $$

DELIMITER ;
