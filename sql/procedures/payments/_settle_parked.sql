DELIMITER $$

DROP PROCEDURE IF EXISTS _settle_parked $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _settle_parked (
  IN in_limit INT,
  OUT out_settled INT
)
COMMENT '
Description
  Decides up to in_limit payments that wait for an order which can never come, in the transaction of its caller: their hold ended
  without one, or nobody knew their id for as long as payment_deadlines says. Likewise what failed or went back of such payments.

Locks
  the payments and their webhooks; nothing that a buyer needs, for the hold is gone
'
BEGIN
  DECLARE v_payment_id VARCHAR(255);
  DECLARE v_done BOOLEAN DEFAULT FALSE;
  DECLARE c_parked CURSOR FOR
    SELECT p.payment_id
      FROM (SELECT DISTINCT w.payment_id
              FROM payment_webhooks AS w
              JOIN payment_deadlines AS q ON q.payment_id = w.payment_id
              LEFT JOIN holds AS h ON h.hold_id = q.order_id
              LEFT JOIN orders AS o ON o.order_id = q.order_id
              LEFT JOIN hold_history AS e ON e.hold_id = q.order_id
             WHERE w.outcome = 'parked' AND h.hold_id IS NULL AND o.order_id IS NULL
               AND (e.hold_id IS NOT NULL OR q.waits_until <= UTC_TIMESTAMP(6))
             LIMIT in_limit) AS stuck
      STRAIGHT_JOIN payments AS p FORCE INDEX (PRIMARY) ON p.payment_id = stuck.payment_id
       FOR UPDATE OF p SKIP LOCKED;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_done = TRUE;

  SET out_settled = 0;
  OPEN c_parked;
  FETCH c_parked INTO v_payment_id;
  WHILE NOT v_done DO
    CALL _decide_payment(v_payment_id, TRUE);
    SET out_settled = out_settled + 1, v_done = FALSE;   -- a SELECT in there may have found nothing
    FETCH c_parked INTO v_payment_id;
  END WHILE;
  CLOSE c_parked;
END $$

DELIMITER ;
