DELIMITER $$

DROP PROCEDURE IF EXISTS _read_stock $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _read_stock (
  IN in_product_id INT UNSIGNED,
  IN in_qty INT,
  OUT out_enough BOOLEAN,
  OUT out_expired BOOLEAN
)
COMMENT '
Description
  Reads, without a lock and in one snapshot, whether in_qty units of a product are free and whether anything of it has
  expired and waits to be given back (a MIN at the end of an index costs half of an EXISTS). Neither: the units were not
  to be had at the moment of the read, and that may be said.

Locks
  none
'
BEGIN
  -- While the sale is paused nothing more expires: product_clocks. One statement: of two, the second could find given back what the first
  -- had not yet seen free.
  SELECT SUM(s.available) >= in_qty,
         COALESCE((SELECT MIN(expires_at) FROM holds WHERE product_id = in_product_id) <= MAX(c.clock), FALSE)
         OR COALESCE((SELECT MIN(pay_by) FROM orders WHERE product_id = in_product_id AND status = 'pending') <= MAX(c.clock), FALSE)
    INTO out_enough, out_expired
    FROM product_clocks AS c
    STRAIGHT_JOIN stock_stripes AS s FORCE INDEX (PRIMARY) ON s.product_id = c.product_id
   WHERE c.product_id = in_product_id;
END $$

DELIMITER ;
