DELIMITER $$

DROP PROCEDURE IF EXISTS _expire_some_holds $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _expire_some_holds (
  IN in_limit INT,
  OUT out_holds INT,
  OUT out_units INT
)
COMMENT '
Description
  Ends up to in_limit expired holds of some product that has any, in the transaction of its caller.

Parameters
  out_holds INT  0: nothing has expired, or others are working on all of it
  out_units INT

Locks
  those of _expire_holds_of
'
BEGIN
  DECLARE v_product_id INT UNSIGNED;

  SET out_holds = 0, out_units = 0;
  SELECT p.product_id
    INTO v_product_id
    FROM products AS p
    JOIN holds AS h ON h.product_id = p.product_id
   WHERE h.expires_at <= UTC_TIMESTAMP(6)
   LIMIT 1
     FOR UPDATE OF h SKIP LOCKED;
  IF v_product_id IS NOT NULL THEN
    CALL _expire_holds_of(v_product_id, in_limit, out_holds, out_units);
  END IF;
END $$

DELIMITER ;
