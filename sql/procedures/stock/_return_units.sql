DELIMITER $$

DROP PROCEDURE IF EXISTS _return_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _return_units (
  IN in_product_id INT UNSIGNED,
  IN in_qty INT
)
COMMENT '
Description
  Gives units back to sale, in the transaction of its caller: few to the stripe of this connection,
  many evenly over all stripes, so that no single stripe becomes the only one that still sells.

Locks
  one stripe, or all stripes of the product, ascending
'
BEGIN
  DECLARE v_stripes SMALLINT;

  SELECT stripes INTO v_stripes FROM products WHERE product_id = in_product_id;
  IF in_qty < v_stripes THEN
    UPDATE stock_stripes
       SET available = available + in_qty
     WHERE product_id = in_product_id AND stripe = CONNECTION_ID() MOD v_stripes;
  ELSE
    UPDATE stock_stripes
       SET available = available + in_qty DIV v_stripes + (stripe < in_qty MOD v_stripes)
     WHERE product_id = in_product_id
     ORDER BY stripe;
  END IF;
END $$

DELIMITER ;
