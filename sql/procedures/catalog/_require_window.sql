DELIMITER $$

DROP PROCEDURE IF EXISTS _require_window $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _require_window (
  IN in_sale_starts_at DATETIME(6),
  IN in_sale_ends_at DATETIME(6)
)
COMMENT '
Description
  Refuses a sale that would end before it begins.

Errors
  invalid_argument
'
BEGIN
  IF in_sale_ends_at <= in_sale_starts_at THEN
    CALL _raise('invalid_argument', 'sale_ends_at must be later than sale_starts_at', NULL);
  END IF;
END $$

DELIMITER ;
