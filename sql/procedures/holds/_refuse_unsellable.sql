DELIMITER $$

DROP PROCEDURE IF EXISTS _refuse_unsellable $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _refuse_unsellable (
  IN in_product_id INT UNSIGNED,
  IN in_qty INT
)
COMMENT '
Description
  Says which rule of the product forbids a hold now, if one does; its window and its limit cannot change until the caller commits.

Errors
  product_not_found, sale_not_started, sale_ended, sale_paused, quantity_above_limit

Locks
  the product, shared
'
BEGIN
  DECLARE v_now, v_starts_at, v_ends_at, v_stopped_at, v_paused_at DATETIME(6);
  DECLARE v_max_per_hold INT;

  SELECT max_per_hold, sale_starts_at, sale_ends_at, stopped_at, paused_at
    INTO v_max_per_hold, v_starts_at, v_ends_at, v_stopped_at, v_paused_at
    FROM products
   WHERE product_id = in_product_id
     FOR SHARE;
  -- Only now: the lock may have been waited for.
  SET v_now = UTC_TIMESTAMP(6);

  IF v_max_per_hold IS NULL THEN
    CALL _raise('product_not_found', 'no product has this id; list_products shows those on sale', NULL);
  ELSEIF v_stopped_at IS NOT NULL THEN
    CALL _raise('sale_ended', CONCAT('the sale was stopped at ', DATE_FORMAT(v_stopped_at, '%Y-%m-%dT%TZ')), NULL);
  ELSEIF v_now < v_starts_at THEN
    CALL _raise('sale_not_started', CONCAT('the sale starts at ', DATE_FORMAT(v_starts_at, '%Y-%m-%dT%TZ')),
                CEILING(TIMESTAMPDIFF(MICROSECOND, v_now, v_starts_at) / 1000000));
  ELSEIF v_now >= v_ends_at THEN
    CALL _raise('sale_ended', CONCAT('the sale ended at ', DATE_FORMAT(v_ends_at, '%Y-%m-%dT%TZ')), NULL);
  ELSEIF v_paused_at IS NOT NULL THEN
    CALL _raise('sale_paused', CONCAT('the sale is paused since ', DATE_FORMAT(v_paused_at, '%Y-%m-%dT%TZ'), '; what is held does not run out'), NULL);
  ELSEIF in_qty > v_max_per_hold THEN
    CALL _raise('quantity_above_limit', CONCAT('a hold of this product may have ', v_max_per_hold, ' units at most'), NULL);
  END IF;
END $$

DELIMITER ;
