DELIMITER $$

DROP PROCEDURE IF EXISTS create_hold $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE create_hold (
  IN in_product_id LONGTEXT,
  IN in_qty LONGTEXT,
  IN in_customer_id LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Takes units of a product for hold_seconds of it. They are the buyer''s until the hold expires, is released or ordered.

Parameters
  in_product_id      BIGINT  a product on sale
  in_qty             BIGINT  units, 1 to the product''s max_per_hold
  in_customer_id     TEXT    the shop''s name for the buyer, 128 characters at most; NULL is allowed for products without
                             limits per customer (set_limits)
  in_idempotency_key TEXT    1 to 272 characters, compared byte by byte; a repeat returns the first hold; NULL: no protection. A
                             client of the API has 255 of them: where API keys are configured, the others say whose key it is

Result set
  hold_id, product_id, qty, customer_id, unit_price (minor units: what its order will cost), status (active; a repeat shows what
  became of it), created_at, expires_at, expires_in_ms (by this server''s clock), ended_at, replayed (1 for a repeat).
  @hold_id is set besides: create_order(@hold_id, NULL) can be pasted

Errors
  product_not_found       no such product
  sale_not_started        before sale_starts_at; says after how many seconds to retry
  sale_ended              at or after sale_ends_at, or the sale was stopped
  sale_paused             an operator has paused the sale; what is held does not run out meanwhile
  sold_out                fewer units are free, also after all that expired was given back
  customer_limit_reached  the customer would have more than max_per_customer in live holds and live orders
  unpaid_limit_reached    the customer would have more than max_unpaid_percent in live holds and unpaid orders
  customer_paused         a hold or order of the customer ended unpaid; says after how many seconds to retry
  quantity_above_limit    more than max_per_hold
  idempotency_key_reused  the key made a hold with other parameters
  invalid_argument        a parameter is NULL, not whole, out of bounds or too long

Locks
  the product (shared), the hold, customer_units, one stripe of stock; all stripes only when units are short

Example
  mysql> CALL create_hold(1, 2, ''alice'', ''cart-81'')\\G
  *************************** 1. row ***************************
        hold_id: 01a20319-2bbd-791d-84b2-71a78f2dfc9f
     product_id: 1
            qty: 2
    customer_id: alice
     unit_price: 12900
         status: active
     created_at: 2026-11-22 11:51:50.973853
     expires_at: 2026-11-22 11:53:50.973853
  expires_in_ms: 120000
       ended_at: NULL
       replayed: 0
  mysql> CALL create_hold(1, 0, NULL, NULL);
  ERROR 31301 (45422): invalid_argument: qty must be a whole number from 1 to 2147483647
'
BEGIN
  DECLARE v_now DATETIME(6) DEFAULT UTC_TIMESTAMP(6);
  -- UUID version 7: 48 bits of time, then 74 random bits around the version and the variant.
  DECLARE v_hold_id BINARY(16) DEFAULT CONCAT(
    UNHEX(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', v_now) DIV 1000), 12, '0')),
    RANDOM_BYTES(10) & X'0FFF3FFFFFFFFFFFFFFF' | X'70008000000000000000');
  DECLARE v_expires_at, v_latest DATETIME(6);
  DECLARE v_product_id, v_qty, v_home INT;
  DECLARE v_price BIGINT;
  DECLARE v_sellable BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  making: BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    -- Texts that are whole numbers read as such and are the same when written again. A regular expression costs more.
    BEGIN
      DECLARE EXIT HANDLER FOR 1264, 1265, 1292, 1366 SET v_qty = NULL;
      SET v_product_id = in_product_id, v_qty = in_qty;
    END;
    IF (v_product_id >= 1 AND v_qty >= 1 AND CAST(v_product_id AS CHAR) = in_product_id AND CAST(v_qty AS CHAR) = in_qty
        AND COALESCE(CHAR_LENGTH(in_customer_id), 1) BETWEEN 1 AND 128
        AND COALESCE(CHAR_LENGTH(in_idempotency_key), 1) BETWEEN 1 AND 272) IS NOT TRUE THEN
      CALL _require_number('product_id', in_product_id, 1, 2147483647);
      CALL _require_number('qty', in_qty, 1, 2147483647);
      CALL _require_text('customer_id', COALESCE(in_customer_id, '-'), 128);
      CALL _require_text('idempotency_key', COALESCE(in_idempotency_key, '-'), 272);
    END IF;

    -- The way of nearly every successful buyer: the rules in one read, the units from this connection's stripe.
    BEGIN
      DECLARE EXIT HANDLER FOR 1062, 1213 ROLLBACK;
      START TRANSACTION;
      SELECT v_qty <= p.max_per_hold AND COALESCE(p.sale_starts_at <= v_now, TRUE) AND COALESCE(p.sale_ends_at > v_now, TRUE)
             AND p.stopped_at IS NULL AND p.paused_at IS NULL,
             v_now + INTERVAL p.hold_seconds SECOND, p.price_minor,
             LEAST(v_now + INTERVAL p.hold_seconds * 10000 MICROSECOND, COALESCE(p.sale_ends_at, '9999-12-31')),
             IF(NOT p.counts_customers AND s.available >= v_qty, s.stripe, NULL)
        INTO v_sellable, v_expires_at, v_price, v_latest, v_home
        FROM products AS p
        JOIN stock_stripes AS s ON s.product_id = p.product_id AND s.stripe = CONNECTION_ID() MOD p.stripes
       WHERE p.product_id = v_product_id
         FOR SHARE OF p;
      IF v_sellable AND v_home IS NOT NULL THEN
        INSERT INTO holds (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, expires_at)
        VALUES (v_hold_id, v_product_id, v_qty, v_price, in_customer_id, in_idempotency_key, v_now, v_expires_at);
        -- The insert waited for a session that was ending a hold of this key, so only now can its end be seen for certain. MIN:
        -- one dive into the index while the statement is planned, where an EXISTS is planned itself.
        UPDATE stock_stripes
           SET available = available - v_qty
         WHERE product_id = v_product_id AND stripe = v_home AND available >= v_qty
           AND (SELECT MIN(idempotency_key) FROM hold_history WHERE idempotency_key = in_idempotency_key) IS NULL;
        -- Locks were waited for: when that took more than a hundredth of the hold's time, or until the sale was over, the clock
        -- of the beginning decides nothing, and the other way begins anew.
        IF ROW_COUNT() = 1 AND UTC_TIMESTAMP(6) < v_latest THEN
          COMMIT;
          SET @hold_id = BIN_TO_UUID(v_hold_id);
          -- All of it is known, and reading it back would cost as much as the insert did.
          SELECT BIN_TO_UUID(v_hold_id) AS hold_id, v_product_id AS product_id, v_qty AS qty, in_customer_id AS customer_id,
                 v_price AS unit_price, 'active' AS status, v_now AS created_at, v_expires_at AS expires_at,
                 TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), v_expires_at) DIV 1000 AS expires_in_ms,
                 CAST(NULL AS DATETIME(6)) AS ended_at, FALSE AS replayed;
          LEAVE making;
        END IF;
      END IF;
      ROLLBACK;
    END;

    -- Everybody else: repeats, customers with a limit, an empty stripe, and those who have to be told why not.
    -- What only they need is declared here: each variable costs those who do not get this far.
    BEGIN
      DECLARE v_enough, v_expired BOOLEAN;
      DECLARE v_reserved, v_exact, v_lapsed BOOLEAN DEFAULT FALSE;
      DECLARE v_first_id BINARY(16);

      WHILE NOT v_reserved AND v_first_id IS NULL DO
        BEGIN
          DECLARE EXIT HANDLER FOR 1062, 1213 ROLLBACK;
          SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
          START TRANSACTION;
          CALL _find_hold_by_key(in_idempotency_key, v_product_id, v_qty, in_customer_id, v_first_id);
          IF v_first_id IS NULL THEN
            IF v_sellable IS NOT TRUE THEN
              CALL _refuse_unsellable(v_product_id, v_qty);
            END IF;
            CALL _refuse_sold_out(v_product_id, v_qty, v_enough, v_expired);
            IF v_lapsed OR (v_expired AND (NOT v_enough OR v_exact)) THEN
              CALL _reclaim_expired(v_product_id, v_qty, IF(v_lapsed, in_customer_id, NULL));
              COMMIT;
              SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
              START TRANSACTION;
            END IF;
            CALL _reserve(v_hold_id, v_product_id, v_qty, in_customer_id, in_idempotency_key, v_exact, v_reserved, v_lapsed);
            -- Nothing could be had without waiting: the next round waits for every stripe.
            SET v_exact = NOT v_lapsed;
          END IF;
          IF v_reserved THEN
            COMMIT;
          ELSE
            ROLLBACK;
          END IF;
        END;
      END WHILE;

      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      SET @hold_id = BIN_TO_UUID(COALESCE(v_first_id, v_hold_id));
      CALL _select_hold(COALESCE(v_first_id, v_hold_id), v_first_id IS NOT NULL);
      COMMIT;
    END;
  END;
END $$

DELIMITER ;
