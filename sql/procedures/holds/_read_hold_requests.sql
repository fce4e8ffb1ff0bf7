DELIMITER $$

DROP PROCEDURE IF EXISTS _read_hold_requests $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _read_hold_requests (
  IN in_requests JSON,
  OUT out_product_id INT,
  OUT out_plan VARCHAR(100),
  OUT out_units BIGINT,
  OUT out_most INT,
  OUT out_customers INT
)
COMMENT '
Description
  Tells which requests of a set are well-formed: whole numbers and texts of JSON itself, as long as they may be. Nothing is cast:
  2.0, or a text that is a number, is for create_hold to judge.

Parameters
  out_product_id INT      the one that the requests name; NULL: none does properly
  out_plan       VARCHAR  a character for each request: p, it is plain so far; a, it is left alone
  out_units      BIGINT   units that all together ask for
  out_most       INT      units that one asks for at most
  out_customers  INT      requests that name a customer

Errors
  invalid_argument  the requests name more than one product

Locks
  none
'
BEGIN
  DECLARE v_other, v_well_formed INT;
  DECLARE v_numbers JSON;

  SELECT COUNT(*), JSON_ARRAYAGG(number), MIN(product_id), MAX(product_id), SUM(qty), MAX(qty), COUNT(customer_id)
    INTO v_well_formed, v_numbers, out_product_id, v_other, out_units, out_most, out_customers
    FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (
           number FOR ORDINALITY,
           product_id INT PATH '$.product_id',
           qty INT PATH '$.qty',
           customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.customer_id',
           idempotency_key VARCHAR(272) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key',
           product JSON PATH '$.product_id',
           units JSON PATH '$.qty',
           customer JSON PATH '$.customer_id',
           given_key JSON PATH '$.idempotency_key')) AS request
   WHERE JSON_TYPE(product) COLLATE utf8mb4_0900_bin = 'INTEGER' AND product_id >= 1
     AND JSON_TYPE(units) COLLATE utf8mb4_0900_bin = 'INTEGER' AND qty >= 1
     AND (customer IS NULL OR JSON_TYPE(customer) COLLATE utf8mb4_0900_bin = 'STRING' AND customer_id <> '')
     AND (given_key IS NULL OR JSON_TYPE(given_key) COLLATE utf8mb4_0900_bin = 'STRING' AND idempotency_key <> '');
  IF out_product_id <> v_other THEN
    CALL _raise('invalid_argument', 'requests must all be of one product', NULL);
  END IF;

  SET out_plan = REPEAT('p', JSON_LENGTH(in_requests));
  IF v_well_formed < JSON_LENGTH(in_requests) THEN
    CALL _keep_marked(v_numbers, 'p', out_plan);
  END IF;
END $$

DELIMITER ;
