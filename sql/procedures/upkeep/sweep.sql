DELIMITER $$

DROP PROCEDURE IF EXISTS sweep $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE sweep ()
COMMENT '
Description
  What the EVENT sweep_expired calls every second: makes the orders of paid holds that nobody ordered, ends expired holds, cancels
  overdue orders, decides payments whose order can never come, and leaves a heartbeat; in transactions of 500 rows of each at most,
  through all products once.

Parameters
  none

Result set
  ran (0: another sweep is running and does this work), holds_expired, orders_expired, orders_made, payments_settled,
  lag_seconds (how long the oldest of them had been due when the run began)

Errors
  none

Locks
  those of create_order for paid holds; those of expire_holds and expire_orders; payments that wait for an order that can never come
  (skipping locked ones)

Example
  mysql> CALL sweep()\\G
  *************************** 1. row ***************************
               ran: 1
     holds_expired: 0
    orders_expired: 0
       orders_made: 0
  payments_settled: 0
       lag_seconds: 0.000000
'
BEGIN
  DECLARE v_started_at DATETIME(6) DEFAULT UTC_TIMESTAMP(6);
  DECLARE v_ran BOOLEAN;
  DECLARE v_lag_seconds DECIMAL(16, 6);
  DECLARE v_product_id INT UNSIGNED DEFAULT 0;
  DECLARE v_hold_id BINARY(16) DEFAULT X'00';
  DECLARE v_holds, v_orders, v_units, v_made INT DEFAULT 0;
  DECLARE v_holds_expired, v_orders_expired, v_orders_made, v_payments_settled INT DEFAULT 0;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265
    BEGIN
      ROLLBACK;
      CALL _unlock_sweep();
      RESIGNAL;
    END;

    CALL _lock_sweep(v_ran);
    IF v_ran THEN
      SELECT lag_seconds INTO v_lag_seconds FROM sweep_health;
      COMMIT;
      WHILE v_hold_id IS NOT NULL DO
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _order_paid_hold(v_hold_id, v_made);
        COMMIT;
        SET v_orders_made = v_orders_made + v_made;
      END WHILE;

      WHILE v_product_id IS NOT NULL DO
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _expire_next(v_product_id, NULL, NULL, v_holds, v_orders, v_units);
        COMMIT;
        SET v_holds_expired = v_holds_expired + v_holds,
            v_orders_expired = v_orders_expired + v_orders;
      END WHILE;

      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      CALL _settle_parked(500, v_payments_settled);
      CALL _notify_products();
      COMMIT;

      START TRANSACTION;
      INSERT INTO sweep_heartbeat (started_at, holds_expired, orders_expired, orders_made, payments_settled, lag_seconds)
      VALUES (v_started_at, v_holds_expired, v_orders_expired, v_orders_made, v_payments_settled, v_lag_seconds);
      -- An hour of runs is enough to see when it last worked and how far behind it was.
      DELETE FROM sweep_heartbeat WHERE run_id <= CAST(LAST_INSERT_ID() AS SIGNED) - 3600;
      COMMIT;
      CALL _unlock_sweep();
    END IF;
    -- When it did not run, the isolation level set above must not wait for the caller's next transaction.
    COMMIT;
  END;

  SELECT v_ran AS ran, v_holds_expired AS holds_expired, v_orders_expired AS orders_expired, v_orders_made AS orders_made,
         v_payments_settled AS payments_settled, v_lag_seconds AS lag_seconds;
END $$

DELIMITER ;
