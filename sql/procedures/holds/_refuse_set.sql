DELIMITER $$

DROP PROCEDURE IF EXISTS _refuse_set $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _refuse_set (
  IN in_requests JSON,
  IN in_product_id INT,
  INOUT io_plan VARCHAR(100),
  OUT out_errno INT,
  OUT out_sqlstate CHAR(5),
  OUT out_message VARCHAR(128)
)
COMMENT '
Description
  Says why the product refuses the requests of a set that got no units, in the very words of create_hold; in the transaction of its
  caller. Those whose key made a hold are left alone. Their keys are looked for after the stock was read: of a twin that took the
  last unit the hold is there by then.

Parameters
  io_plan     VARCHAR  w, no units for it, becomes r, refused, or a, left alone
  out_errno    INT     of the refusal; NULL: the product refuses nobody
  out_sqlstate CHAR
  out_message  VARCHAR

Locks
  the product, shared
'
BEGIN
  DECLARE v_enough, v_expired BOOLEAN;
  DECLARE v_most INT;
  DECLARE v_units BIGINT;

  BEGIN
    DECLARE EXIT HANDLER FOR SQLSTATE '45404', SQLSTATE '45409'
      GET CURRENT DIAGNOSTICS CONDITION 1 out_errno = MYSQL_ERRNO, out_sqlstate = RETURNED_SQLSTATE, out_message = MESSAGE_TEXT;
    CALL _refuse_unsellable(in_product_id, 1);
    CALL _refuse_sold_out(in_product_id, 1, v_enough, v_expired);
  END;
  IF out_errno IS NOT NULL THEN
    SELECT MAX(max_per_hold) INTO v_most FROM products WHERE product_id = in_product_id;
    CALL _sort_out_holds(in_requests, in_product_id, 'w', v_most, FALSE, io_plan, v_units);
  END IF;
  SET io_plan = REPLACE(io_plan, 'w', IF(out_errno IS NULL, 'a', 'r'));
END $$

DELIMITER ;
