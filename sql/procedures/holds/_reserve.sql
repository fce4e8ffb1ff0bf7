DELIMITER $$

DROP PROCEDURE IF EXISTS _reserve $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _reserve (
  IN in_hold_id BINARY(16),
  IN in_product_id INT UNSIGNED,
  IN in_qty INT,
  IN in_customer_id LONGTEXT,
  IN in_idempotency_key LONGTEXT,
  IN in_exact BOOLEAN,
  OUT out_reserved BOOLEAN,
  OUT out_lapsed BOOLEAN
)
COMMENT '
Description
  Makes a hold and takes its units from wherever they are, in the transaction of its caller, who rolls back when
  out_reserved is FALSE and tries again.

Parameters
  in_exact     BOOLEAN  see _take_units
  out_reserved BOOLEAN  FALSE: units were in motion, or the customer has units that ran out (out_lapsed), which must be given back
                        before the customer''s limits can be judged, or the key belongs to a hold that ended a moment ago

Errors
  those of _refuse_unsellable and _refuse_customer
  1062  a twin made a hold under the same key a moment ago

Locks
  the product, shared; the hold; customer_units; stock_stripes
'
BEGIN
  DECLARE v_created_at DATETIME(6) DEFAULT UTC_TIMESTAMP(6);
  DECLARE v_pauses, v_late BOOLEAN;
  DECLARE v_hold_seconds INT;
  DECLARE v_refusal VARCHAR(64);

  CALL _refuse_unsellable(in_product_id, in_qty);

  INSERT INTO holds (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, expires_at)
  SELECT in_hold_id, product_id, in_qty, price_minor, in_customer_id, in_idempotency_key,
         v_created_at, v_created_at + INTERVAL hold_seconds SECOND
    FROM products
   WHERE product_id = in_product_id;

  -- The insert waited for a session that was ending a hold of this key, so only now can its end be seen for certain.
  SELECT NOT EXISTS (SELECT 1 FROM hold_history WHERE idempotency_key = in_idempotency_key) INTO out_reserved;

  SET out_lapsed = FALSE;
  IF out_reserved THEN
    CALL _take_customer_units(in_product_id, in_customer_id, in_qty, TRUE, v_pauses, v_refusal);
    IF v_pauses OR v_refusal IS NOT NULL THEN
      CALL _find_lapsed(in_product_id, in_customer_id, out_lapsed);
      SET out_reserved = NOT out_lapsed;
      IF out_reserved AND v_refusal IS NOT NULL THEN
        CALL _refuse_customer(in_product_id, in_customer_id, v_refusal);
      END IF;
    END IF;
  END IF;

  IF out_reserved THEN
    CALL _take_units(in_product_id, in_qty, in_exact, out_reserved);
  END IF;

  IF out_reserved THEN
    -- Locks were waited for: the time of the hold begins now, and the sale may be over.
    SELECT UTC_TIMESTAMP(6) >= LEAST(v_created_at + INTERVAL hold_seconds * 10000 MICROSECOND, COALESCE(sale_ends_at, '9999-12-31')),
           hold_seconds
      INTO v_late, v_hold_seconds
      FROM products
     WHERE product_id = in_product_id;
    IF v_late THEN
      CALL _refuse_unsellable(in_product_id, in_qty);
      UPDATE holds
         SET created_at = UTC_TIMESTAMP(6),
             expires_at = UTC_TIMESTAMP(6) + INTERVAL v_hold_seconds SECOND
       WHERE hold_id = in_hold_id;
    END IF;
  END IF;
END $$

DELIMITER ;
