DELIMITER $$

DROP PROCEDURE IF EXISTS _reserve_set $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _reserve_set (
  IN in_requests JSON,
  IN in_product_id INT,
  IN in_ids VARBINARY(1006),
  IN in_most INT,
  IN in_customers INT,
  IN in_again BOOLEAN,
  INOUT io_plan VARCHAR(100),
  INOUT io_units BIGINT,
  OUT out_price BIGINT,
  OUT out_created_at DATETIME(6),
  OUT out_expires_at DATETIME(6),
  OUT out_reserved BOOLEAN
)
COMMENT '
Description
  Makes the holds of the plain requests of a set and takes their units at once, in the transaction of its caller, who rolls back
  when out_reserved is FALSE and tries again.

Parameters
  in_ids         VARBINARY  what the ids begin with, 6 bytes, then 10 bytes for each request
  in_most        INT        units that one request asks for at most
  in_customers   INT        requests that name a customer
  in_again       BOOLEAN    an attempt failed: a key or a customer of the set may be known, so look for them first
  io_plan        VARCHAR    p, it is plain, and held when out_reserved is TRUE; w, the product has no units for it; a, left alone
  io_units       BIGINT     units that the plain ones ask for
  out_reserved   BOOLEAN    FALSE: units were in motion, locks were waited for too long, or a key belongs to a hold that ended

Errors
  1062  a twin made a hold under one of the keys, or of one of the customers, a moment ago

Locks
  the product, shared; the holds, by key; customer_units, by customer; one stripe of stock, or all, ascending
'
BEGIN
  DECLARE v_latest DATETIME(6);
  DECLARE v_sellable, v_counts BOOLEAN;
  DECLARE v_most, v_stripe INT;

  SET out_created_at = UTC_TIMESTAMP(6), out_reserved = TRUE;
  SELECT COALESCE(p.sale_starts_at <= out_created_at, TRUE) AND COALESCE(p.sale_ends_at > out_created_at, TRUE)
         AND p.stopped_at IS NULL AND p.paused_at IS NULL,
         out_created_at + INTERVAL p.hold_seconds SECOND, p.price_minor,
         LEAST(out_created_at + INTERVAL p.hold_seconds * 10000 MICROSECOND, COALESCE(p.sale_ends_at, '9999-12-31')),
         p.counts_customers,
         LEAST(p.max_per_hold, COALESCE(p.max_per_customer, p.max_per_hold),
               COALESCE(GREATEST(1, CAST(p.stock_total AS SIGNED) * p.max_unpaid_percent DIV 100), p.max_per_hold)),
         IF(s.available >= io_units, s.stripe, NULL)
    INTO v_sellable, out_expires_at, out_price, v_latest, v_counts, v_most, v_stripe
    FROM products AS p
    JOIN stock_stripes AS s ON s.product_id = p.product_id AND s.stripe = CONNECTION_ID() MOD p.stripes
   WHERE p.product_id = in_product_id
     FOR SHARE OF p;
  IF v_stripe IS NULL THEN
    SELECT SUM(available) > 0 AND v_sellable INTO v_sellable FROM stock_stripes WHERE product_id = in_product_id;
  END IF;
  IF v_sellable IS NOT TRUE THEN
    -- The product may refuse all of them.
    SET io_plan = REPLACE(io_plan, 'p', 'w');
  ELSE
    IF in_again THEN
      SET io_plan = REPLACE(io_plan, 'w', 'p');
    END IF;
    IF in_again OR in_most > v_most OR (v_counts AND in_customers < CHAR_LENGTH(io_plan)) THEN
      CALL _sort_out_holds(in_requests, in_product_id, 'p', v_most, v_counts, io_plan, io_units);
    END IF;
    IF v_stripe IS NULL THEN
      CALL _share_out(in_requests, in_product_id, io_plan, io_units, v_stripe);
    END IF;
  END IF;

  IF LOCATE('p', io_plan) THEN
    -- By key and by customer: sets that have some in common wait for each other, and do not deadlock.
    INSERT INTO holds (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, expires_at)
    SELECT CONCAT(LEFT(in_ids, 6), SUBSTR(in_ids, 10 * number - 3, 10)), in_product_id, qty, out_price, customer_id, idempotency_key,
           out_created_at, out_expires_at
      FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (
             number FOR ORDINALITY,
             qty INT PATH '$.qty',
             customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.customer_id',
             idempotency_key VARCHAR(272) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key')) AS request
     WHERE SUBSTR(io_plan, number, 1) = 'p'
     ORDER BY idempotency_key;
    IF v_counts THEN
      INSERT INTO customer_units (product_id, customer_id, units, unpaid_units)
      SELECT in_product_id, customer_id, qty AS units, qty AS unpaid_units
        FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (
               number FOR ORDINALITY,
               qty INT PATH '$.qty',
               customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.customer_id')) AS request
       WHERE SUBSTR(io_plan, number, 1) = 'p'
       ORDER BY customer_id;
    END IF;
    IF v_stripe IS NULL THEN
      CALL _gather_units(in_product_id, io_units, v_stripe);
    END IF;
    -- The insert waited for sessions that were ending a hold of one of the keys, so only now can its end be seen for certain.
    UPDATE stock_stripes
       SET available = available - io_units
     WHERE product_id = in_product_id AND stripe = v_stripe AND available >= io_units
       AND (SELECT MIN(ended.idempotency_key)
              FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (
                     number FOR ORDINALITY,
                     idempotency_key VARCHAR(272) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$.idempotency_key')) AS request
              STRAIGHT_JOIN hold_history AS ended FORCE INDEX (ix_hold_history_idempotency_key)
                ON ended.idempotency_key = request.idempotency_key
             WHERE SUBSTR(io_plan, request.number, 1) = 'p') IS NULL;
    -- Locks were waited for: see create_hold.
    SET out_reserved = ROW_COUNT() = 1 AND UTC_TIMESTAMP(6) < v_latest;
  END IF;
END $$

DELIMITER ;
