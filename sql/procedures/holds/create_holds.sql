DELIMITER $$

DROP PROCEDURE IF EXISTS create_holds $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE create_holds (
  IN in_requests LONGTEXT
)
COMMENT '
Description
  Makes the holds of many buyers of one product at once. It does what is plain in one transaction, refuses what the product refuses,
  and leaves everything else alone, for create_hold to do.

Parameters
  in_requests TEXT  JSON array of 1 to 100 objects with the members product_id and qty (numbers), customer_id and idempotency_key
                    (texts, or null), all of one product; they mean what they mean to create_hold. A member that is not there is null

Result set
  one row for each request, in its order: number (1 is the first), answer, errno, sqlstate and message (NULL unless refused), then what
  create_hold returns (NULL unless done).
  answer is one of
    done     the hold is made
    refused  by the product: create_hold would say the same, with this errno, SQLSTATE and message
    alone    nothing was done; ask create_hold. It is for a key that made a hold before, a customer who is counted already or has
             to be named, too many units, a request that is not well-formed (2.0, or a text that is a number), and for units that
             are short while some are free or have expired. Of requests with the same key, or the same customer where customers are
             counted, only the first is not left alone

Errors
  invalid_argument  not a JSON array of 1 to 100 elements, or they name more than one product

Locks
  the product (shared), the holds, customer_units, one stripe of stock; all stripes when no stripe has enough by itself

Example
  mysql> CALL create_holds(''[{"product_id": 1, "qty": 2, "customer_id": "alice", "idempotency_key": "cart-91"},
      ->                      {"product_id": 1, "qty": 0}]'')\\G
  *************************** 1. row ***************************
         number: 1
         answer: done
          errno: NULL
       sqlstate: NULL
        message: NULL
        hold_id: 01a216ca-e909-7423-9d48-b4f949269c16
     product_id: 1
            qty: 2
    customer_id: alice
     unit_price: 12900
         status: active
     created_at: 2026-11-26 07:38:46.409855
     expires_at: 2026-11-26 07:40:46.409855
  expires_in_ms: 119996
       ended_at: NULL
       replayed: 0
  *************************** 2. row ***************************
         number: 2
         answer: alone
          errno: NULL
       sqlstate: NULL
        message: NULL
        hold_id: NULL
     product_id: NULL
            qty: NULL
    customer_id: NULL
     unit_price: NULL
         status: NULL
     created_at: NULL
     expires_at: NULL
  expires_in_ms: NULL
       ended_at: NULL
       replayed: NULL
  mysql> CALL create_holds(''{}'');
  ERROR 31301 (45422): invalid_argument: requests must be a JSON array of 1 to 100 elements
'
BEGIN
  DECLARE v_requests JSON;
  DECLARE v_plan VARCHAR(100);
  DECLARE v_ids VARBINARY(1006);
  DECLARE v_product_id, v_most, v_customers, v_errno INT;
  DECLARE v_units, v_price, v_expires_in_ms BIGINT;
  DECLARE v_rounds, v_count INT DEFAULT 0;
  DECLARE v_reserved BOOLEAN DEFAULT FALSE;
  DECLARE v_created_at, v_expires_at DATETIME(6);
  DECLARE v_sqlstate CHAR(5);
  DECLARE v_message VARCHAR(128);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_set('requests', in_requests, v_requests, v_count);
    CALL _read_hold_requests(v_requests, v_product_id, v_plan, v_units, v_most, v_customers);
    -- UUIDs of version 7, as create_hold makes them: the time, which they share, then 10 bytes for each.
    SET v_ids = CONCAT(
      UNHEX(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000), 12, '0')),
      RANDOM_BYTES(10 * v_count) & REPEAT(X'0FFF3FFFFFFFFFFFFFFF', v_count) | REPEAT(X'70008000000000000000', v_count));

    -- Each round is a transaction. Who fails three times meets others of the same key again and again, or waits too long.
    WHILE v_product_id IS NOT NULL AND NOT v_reserved AND v_rounds < 3 DO
      BEGIN
        DECLARE EXIT HANDLER FOR 1062, 1213 ROLLBACK;
        SET v_rounds = v_rounds + 1;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _reserve_set(v_requests, v_product_id, v_ids, v_most, v_customers, v_rounds > 1,
                          v_plan, v_units, v_price, v_created_at, v_expires_at, v_reserved);
        IF v_reserved THEN
          COMMIT;
        ELSE
          ROLLBACK;
        END IF;
      END;
    END WHILE;
    SET v_plan = REPLACE(v_plan, 'p', IF(v_reserved, 'd', 'a'));

    IF LOCATE('w', v_plan) THEN
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      CALL _refuse_set(v_requests, v_product_id, v_plan, v_errno, v_sqlstate, v_message);
      COMMIT;
    END IF;
  END;

  SET v_expires_in_ms = TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), v_expires_at) DIV 1000;
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  -- All of it is known, and reading it back would cost as much as the inserts did.
  SELECT number,
         ELT(LOCATE(SUBSTR(v_plan, number, 1), 'dra'), 'done', 'refused', 'alone') AS answer,
         IF(SUBSTR(v_plan, number, 1) = 'r', v_errno, NULL) AS errno,
         IF(SUBSTR(v_plan, number, 1) = 'r', v_sqlstate, NULL) AS `sqlstate`,
         IF(SUBSTR(v_plan, number, 1) = 'r', v_message, NULL) AS message,
         IF(SUBSTR(v_plan, number, 1) = 'd', BIN_TO_UUID(CONCAT(LEFT(v_ids, 6), SUBSTR(v_ids, 10 * number - 3, 10))), NULL) AS hold_id,
         IF(SUBSTR(v_plan, number, 1) = 'd', v_product_id, NULL) AS product_id,
         IF(SUBSTR(v_plan, number, 1) = 'd', qty, NULL) AS qty,
         IF(SUBSTR(v_plan, number, 1) = 'd', customer_id, NULL) AS customer_id,
         IF(SUBSTR(v_plan, number, 1) = 'd', v_price, NULL) AS unit_price,
         IF(SUBSTR(v_plan, number, 1) = 'd', 'active', NULL) AS status,
         IF(SUBSTR(v_plan, number, 1) = 'd', v_created_at, NULL) AS created_at,
         IF(SUBSTR(v_plan, number, 1) = 'd', v_expires_at, NULL) AS expires_at,
         IF(SUBSTR(v_plan, number, 1) = 'd', v_expires_in_ms, NULL) AS expires_in_ms,
         CAST(NULL AS DATETIME(6)) AS ended_at,
         IF(SUBSTR(v_plan, number, 1) = 'd', FALSE, NULL) AS replayed
    FROM JSON_TABLE(v_requests, '$[*]' COLUMNS (
           number FOR ORDINALITY,
           qty INT PATH '$.qty',
           customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.customer_id')) AS request
   ORDER BY number;
  COMMIT;
END $$

DELIMITER ;
