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
  expired and waits to be given back. Neither: the units were not to be had at the moment of the read, and that may be said.

Locks
  none
'
BEGIN
  SELECT SUM(available) >= in_qty,
         EXISTS (SELECT 1
                   FROM holds
                  WHERE product_id = in_product_id AND expires_at <= UTC_TIMESTAMP(6))
         OR EXISTS (SELECT 1
                      FROM orders
                     WHERE product_id = in_product_id AND status = 'pending' AND pay_by <= UTC_TIMESTAMP(6))
    INTO out_enough, out_expired
    FROM stock_stripes
   WHERE product_id = in_product_id;
END $$

DELIMITER ;
