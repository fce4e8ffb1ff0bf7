DELIMITER $$

DROP PROCEDURE IF EXISTS _require_product $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_product (
  IN in_name LONGTEXT,
  IN in_currency LONGTEXT,
  IN in_sale_starts_at DATETIME(6),
  IN in_sale_ends_at DATETIME(6)
)
COMMENT '
Description
  Refuses what a product may not be called, sold in or opened for, naming the parameter.

Errors
  invalid_argument
'
BEGIN
  CALL _require_text('name', in_name, 200);
  CALL _require_currency(in_currency);
  CALL _require_window(in_sale_starts_at, in_sale_ends_at);
END $$

DELIMITER ;
