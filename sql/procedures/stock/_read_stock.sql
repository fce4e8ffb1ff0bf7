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
  SELECT SUM(available) >= in_qty,
         COALESCE((SELECT MIN(expires_at) FROM holds WHERE product_id = in_product_id) <= UTC_TIMESTAMP(6), FALSE)
         OR COALESCE((SELECT MIN(pay_by) FROM orders WHERE product_id = in_product_id AND status = 'pending')
                     <= UTC_TIMESTAMP(6), FALSE)
    INTO out_enough, out_expired
    FROM stock_stripes
   WHERE product_id = in_product_id;
  IF out_expired THEN
    -- Unless the sale is paused: looked at here only, for most who ask find nothing that expired.
    SELECT COALESCE((SELECT MIN(expires_at) FROM holds WHERE product_id = in_product_id) <= clock, FALSE)
           OR COALESCE((SELECT MIN(pay_by) FROM orders WHERE product_id = in_product_id AND status = 'pending') <= clock, FALSE)
      INTO out_expired
      FROM product_clocks
     WHERE product_id = in_product_id;
  END IF;
END $$

DELIMITER ;
