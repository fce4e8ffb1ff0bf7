DELIMITER $$

DROP PROCEDURE IF EXISTS _sort_out_holds $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _sort_out_holds (
  IN in_requests JSON,
  IN in_product_id INT,
  IN in_mark CHAR(1),
  IN in_most INT,
  IN in_counts_customers BOOLEAN,
  INOUT io_plan VARCHAR(100),
  OUT out_units BIGINT
)
COMMENT '
Description
  Leaves those requests of a set alone that are for create_hold: a key that made a hold before or stands in the set before, too many
  units, and, where customers are counted, a customer who is not named, is counted already, or stands in the set before.

Parameters
  in_mark             CHAR     the requests to look at, by their mark in the plan
  in_most             INT      units that a plain request asks for at most; NULL: any
  in_counts_customers BOOLEAN  whether customers matter
  io_plan             VARCHAR  see _keep_marked
  out_units           BIGINT   units that the requests that keep the mark ask for

Locks
  none; a hold only ever moves from holds to hold_history, and one snapshot sees both
'
BEGIN
  DECLARE v_numbers JSON;

  SELECT JSON_ARRAYAGG(request.number), COALESCE(SUM(request.qty), 0)
    INTO v_numbers, out_units
    FROM (SELECT number, qty, customer_id, idempotency_key,
                 ROW_NUMBER() OVER (PARTITION BY idempotency_key ORDER BY number) AS turn_of_key,
                 ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY number) AS turn_of_customer
            FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (
                   number FOR ORDINALITY,
                   qty INT PATH '$.qty',
                   customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.customer_id',
                   idempotency_key VARCHAR(272) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key')) AS given
         ) AS request
   WHERE SUBSTR(io_plan, request.number, 1) = in_mark
     AND (in_most IS NULL OR request.qty <= in_most)
     AND (request.idempotency_key IS NULL OR request.turn_of_key = 1)
     AND NOT EXISTS (SELECT 1
                       FROM holds AS live FORCE INDEX (uq_holds_idempotency_key)
                      WHERE live.idempotency_key = request.idempotency_key)
     AND NOT EXISTS (SELECT 1
                       FROM hold_history AS ended FORCE INDEX (ix_hold_history_idempotency_key)
                      WHERE ended.idempotency_key = request.idempotency_key)
     AND (NOT in_counts_customers
          OR request.customer_id IS NOT NULL AND request.turn_of_customer = 1
             AND NOT EXISTS (SELECT 1
                               FROM customer_units
                              WHERE product_id = in_product_id AND customer_id = request.customer_id));
  CALL _keep_marked(v_numbers, in_mark, io_plan);
END $$

DELIMITER ;
