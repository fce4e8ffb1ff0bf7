DELIMITER $$

DROP PROCEDURE IF EXISTS expire_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE expire_orders (
  IN in_limit LONGTEXT
)
COMMENT '
Description
  Cancels orders that are overdue, oldest first, and gives their units back; in transactions of 500 at most.

Parameters
  in_limit BIGINT  1 to 1,000,000

Result set
  ran (0: another sweep is running and does this work), expired, units

Errors
  invalid_argument  in_limit is NULL or out of bounds

Locks
  the product, shared, unless somebody has locked it; orders (skipping locked ones), then customer_units, then stock_stripes

Example
  mysql> CALL expire_orders(1000)\\G
  *************************** 1. row ***************************
      ran: 1
  expired: 0
    units: 0
  mysql> CALL expire_orders(0);
  ERROR 31301 (45422): invalid_argument: limit must be a whole number from 1 to 1000000
'
BEGIN
  DECLARE v_ran BOOLEAN;
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_batch, v_holds INT DEFAULT 0;
  DECLARE v_batch_units INT;
  DECLARE v_expired INT DEFAULT 0;
  DECLARE v_units BIGINT DEFAULT 0;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265
    BEGIN
      ROLLBACK;
      CALL _unlock_sweep();
      RESIGNAL;
    END;

    CALL _require_number('limit', in_limit, 1, 1000000);
    CALL _lock_sweep(v_ran);
    SET v_product_id = IF(v_ran, 0, NULL);
    WHILE v_product_id IS NOT NULL AND v_expired < in_limit DO
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      CALL _expire_next(v_product_id, 0, in_limit - v_expired, v_holds, v_batch, v_batch_units);
      COMMIT;
      SET v_expired = v_expired + v_batch, v_units = v_units + v_batch_units;
    END WHILE;
    CALL _unlock_sweep();
    -- When there was nothing to do, the isolation level set above must not wait for the caller's next transaction.
    COMMIT;
  END;

  SELECT v_ran AS ran, v_expired AS expired, v_units AS units;
END $$

DELIMITER ;
