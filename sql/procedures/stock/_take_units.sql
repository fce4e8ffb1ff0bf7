DELIMITER $$

DROP PROCEDURE IF EXISTS _take_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _take_units (
  IN in_product_id INT UNSIGNED,
  IN in_qty INT,
  IN in_exact BOOLEAN,
  OUT out_taken BOOLEAN
)
COMMENT '
Description
  Takes free units of a product, in the transaction of its caller.

Parameters
  in_product_id INT
  in_qty        INT      units to take, all or none
  in_exact      BOOLEAN  FALSE: from one stripe that nobody else holds, never waiting. TRUE: from all stripes together,
                         waiting for sessions that hold one; only then does out_taken = FALSE mean that the units are not there
  out_taken     BOOLEAN

Locks
  FALSE: one stripe. TRUE: all stripes of the product, ascending
'
BEGIN
  DECLARE v_home SMALLINT;
  DECLARE v_stripe SMALLINT;
  DECLARE v_part INT DEFAULT in_qty;
  DECLARE v_left INT DEFAULT in_qty;

  IF in_exact THEN
    SELECT SUM(available) >= in_qty
      INTO out_taken
      FROM stock_stripes
     WHERE product_id = in_product_id
       FOR UPDATE;
  ELSE
    SELECT CONNECTION_ID() MOD stripes INTO v_home FROM products WHERE product_id = in_product_id;
    -- From the home stripe upwards, then round the corner: buyers spread instead of meeting at the first stripe.
    SELECT stripe
      INTO v_stripe
      FROM stock_stripes
     WHERE product_id = in_product_id AND stripe >= v_home AND available >= in_qty
     ORDER BY stripe
     LIMIT 1
       FOR UPDATE SKIP LOCKED;
    IF v_stripe IS NULL THEN
      SELECT stripe
        INTO v_stripe
        FROM stock_stripes
       WHERE product_id = in_product_id AND stripe < v_home AND available >= in_qty
       ORDER BY stripe
       LIMIT 1
         FOR UPDATE SKIP LOCKED;
    END IF;
    SET out_taken = v_stripe IS NOT NULL;
  END IF;

  WHILE out_taken AND v_left > 0 DO
    IF in_exact THEN
      SELECT stripe, LEAST(available, v_left)
        INTO v_stripe, v_part
        FROM stock_stripes
       WHERE product_id = in_product_id AND available > 0
       ORDER BY stripe
       LIMIT 1
         FOR UPDATE;
    END IF;
    UPDATE stock_stripes
       SET available = available - v_part
     WHERE product_id = in_product_id AND stripe = v_stripe;
    SET v_left = v_left - v_part;
  END WHILE;
END $$

DELIMITER ;
