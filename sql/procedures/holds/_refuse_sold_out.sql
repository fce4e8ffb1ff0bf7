DELIMITER $$

DROP PROCEDURE IF EXISTS _refuse_sold_out $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _refuse_sold_out (
  IN in_product_id INT UNSIGNED,
  IN in_qty INT,
  OUT out_enough BOOLEAN,
  OUT out_expired BOOLEAN
)
COMMENT '
Description
  Refuses a hold when neither in_qty units of the product are free nor anything of it has expired, and tells which of the two it is.

Errors
  sold_out

Locks
  none
'
BEGIN
  CALL _read_stock(in_product_id, in_qty, out_enough, out_expired);
  IF NOT out_enough AND NOT out_expired THEN
    CALL _raise('sold_out', 'fewer units are free than you asked for; units of holds that expire come back', NULL);
  END IF;
END $$

DELIMITER ;
