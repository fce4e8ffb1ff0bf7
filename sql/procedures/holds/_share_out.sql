DELIMITER $$

DROP PROCEDURE IF EXISTS _share_out $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _share_out (
  IN in_requests JSON,
  IN in_product_id INT,
  INOUT io_plan VARCHAR(100),
  INOUT io_units BIGINT,
  OUT out_stripe SMALLINT
)
COMMENT '
Description
  Looks, without a lock, where a set finds its units when the stripe of its connection has too few: in the next stripe that has
  enough, or in all of them. When all have too few, those who came first get what is left.

Parameters
  io_plan    VARCHAR   p, units are free for it; w, they are not
  io_units   BIGINT    units that those with a p ask for
  out_stripe SMALLINT  NULL: no stripe has enough by itself

Locks
  none
'
BEGIN
  DECLARE v_free BIGINT;
  DECLARE v_last INT;

  -- From the home stripe upwards, then round the corner; there are 256 stripes at most.
  SELECT SUM(s.available),
         MIN(IF(s.available >= io_units, s.stripe + IF(s.stripe < CONNECTION_ID() MOD p.stripes, 1000, 0), NULL)) MOD 1000
    INTO v_free, out_stripe
    FROM products AS p
    JOIN stock_stripes AS s ON s.product_id = p.product_id
   WHERE p.product_id = in_product_id;

  IF v_free < io_units THEN
    SELECT COALESCE(MAX(number), 0), COALESCE(MAX(total), 0)
      INTO v_last, io_units
      FROM (SELECT number, SUM(qty) OVER (ORDER BY number) AS total
              FROM JSON_TABLE(in_requests, '$[*]' COLUMNS (number FOR ORDINALITY, qty INT PATH '$.qty')) AS request
             WHERE SUBSTR(io_plan, number, 1) = 'p') AS so_far
     WHERE total <= v_free;
    SET io_plan = CONCAT(LEFT(io_plan, v_last), REPLACE(SUBSTR(io_plan, v_last + 1), 'p', 'w'));
  END IF;
END $$

DELIMITER ;
