DELIMITER $$

DROP PROCEDURE IF EXISTS _reserve $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _reserve (
  IN in_hold_id BINARY(16),
  IN in_product_id INT UNSIGNED,
  IN in_qty INT,
  IN in_customer_id LONGTEXT,
  IN in_idempotency_key LONGTEXT,
  IN in_exact BOOLEAN,
  OUT out_reserved BOOLEAN
)
COMMENT '
Description
  Makes a hold and takes its units from wherever they are, in the transaction of its caller, who rolls back when
  out_reserved is FALSE and tries again.

Parameters
  in_exact     BOOLEAN  see _take_units
  out_reserved BOOLEAN  FALSE: units were in motion, or what expired must be given back before the customer''s limits can be
                        judged, or the key belongs to a hold that ended a moment ago

Errors
  those of _refuse_unsellable and _refuse_customer
  1062  a twin made a hold under the same key a moment ago

Locks
  the product, shared; the hold; customer_units; stock_stripes
'
BEGIN
  DECLARE v_enough BOOLEAN;
  DECLARE v_expired BOOLEAN;
  DECLARE v_pauses BOOLEAN;
  DECLARE v_refusal VARCHAR(64);

  CALL _refuse_unsellable(in_product_id, in_qty);

  INSERT INTO holds (hold_id, product_id, qty, customer_id, idempotency_key, created_at, expires_at)
  SELECT in_hold_id, product_id, in_qty, in_customer_id, in_idempotency_key,
         UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL hold_seconds SECOND
    FROM products
   WHERE product_id = in_product_id;

  -- The insert waited for whoever was ending a hold of this key, so only now can its end be seen for certain.
  SELECT NOT EXISTS (SELECT 1 FROM hold_history WHERE idempotency_key = in_idempotency_key) INTO out_reserved;

  IF out_reserved THEN
    CALL _take_customer_units(in_product_id, in_customer_id, in_qty, TRUE, v_pauses, v_refusal);
    IF v_pauses OR v_refusal IS NOT NULL THEN
      CALL _read_stock(in_product_id, in_qty, v_enough, v_expired);
      SET out_reserved = NOT v_expired;
      IF out_reserved AND v_refusal IS NOT NULL THEN
        CALL _refuse_customer(in_product_id, in_customer_id, v_refusal);
      END IF;
    END IF;
  END IF;

  IF out_reserved THEN
    CALL _take_units(in_product_id, in_qty, in_exact, out_reserved);
  END IF;
END $$

DELIMITER ;
