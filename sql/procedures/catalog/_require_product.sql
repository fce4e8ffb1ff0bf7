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
  IF in_sale_ends_at <= in_sale_starts_at THEN
    CALL _raise('invalid_argument', 'sale_ends_at must be later than sale_starts_at');
  END IF;
END $$

DELIMITER ;
