DELIMITER $$

DROP PROCEDURE IF EXISTS _gather_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _gather_units (
  IN in_product_id INT UNSIGNED,
  IN in_units BIGINT,
  OUT out_stripe SMALLINT
)
COMMENT '
Description
  Moves free units into one stripe, from the first stripes that have any, in the transaction of its caller; so a set takes its units
  by one statement, wherever they were.

Parameters
  out_stripe SMALLINT  has in_units more than it had left; NULL: all stripes together have too few, and nothing was moved

Locks
  all stripes of the product, ascending
'
BEGIN
  SELECT IF(SUM(available) >= in_units, 0, NULL)
    INTO out_stripe
    FROM stock_stripes
   WHERE product_id = in_product_id
     FOR UPDATE;
  IF out_stripe IS NOT NULL THEN
    UPDATE (SELECT stripe, CAST(SUM(available) OVER (ORDER BY stripe) AS SIGNED) - available AS units_before
              FROM stock_stripes
             WHERE product_id = in_product_id) AS free
      STRAIGHT_JOIN stock_stripes AS s FORCE INDEX (PRIMARY) ON s.product_id = in_product_id AND s.stripe = free.stripe
       SET s.available = s.available - LEAST(s.available, GREATEST(in_units - free.units_before, 0))
                         + IF(s.stripe = out_stripe, in_units, 0);
  END IF;
END $$

DELIMITER ;
