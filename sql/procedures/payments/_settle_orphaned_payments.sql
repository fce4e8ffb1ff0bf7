DELIMITER $$

DROP PROCEDURE IF EXISTS _settle_orphaned_payments $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _settle_orphaned_payments (
  IN in_limit INT,
  OUT out_settled INT
)
COMMENT '
Description
  Settles up to in_limit parked payments whose hold ended without an order, in the transaction of its caller: the order
  can never come.

Locks
  ended holds (skipping those that an arriving event has locked), then their webhooks
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_done BOOLEAN DEFAULT FALSE;
  DECLARE c_orphaned CURSOR FOR
    SELECT h.hold_id
      FROM payment_webhooks AS w
      STRAIGHT_JOIN hold_history AS h ON h.hold_id = w.order_id
     WHERE w.outcome = 'parked' AND h.ended_as IN ('expired', 'released')
     LIMIT in_limit
       FOR UPDATE OF h SKIP LOCKED;
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_done = TRUE;

  SET out_settled = 0;
  OPEN c_orphaned;
  FETCH c_orphaned INTO v_order_id;
  WHILE NOT v_done DO
    CALL _apply_orphaned_payments(v_order_id);
    SET out_settled = out_settled + 1;
    FETCH c_orphaned INTO v_order_id;
  END WHILE;
  CLOSE c_orphaned;
END $$

DELIMITER ;
