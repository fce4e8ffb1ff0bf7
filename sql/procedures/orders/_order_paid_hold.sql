DELIMITER $$

DROP PROCEDURE IF EXISTS _order_paid_hold $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _order_paid_hold (
  INOUT io_hold_id BINARY(16),
  OUT out_made BOOLEAN
)
COMMENT '
Description
  Goes to the next hold, by id, that was paid and that nobody ordered within payment_seconds, and makes its order, in the transaction
  of its caller: a paid hold is not lost because its buyer''s shop did not come back. One that somebody is working on is skipped.

Parameters
  io_hold_id BINARY(16)  in: the hold before, X''00'' for the first; out: the hold, NULL when there is no other
  out_made   BOOLEAN     its order was made

Locks
  the product, shared; the hold; those of _make_order
'
BEGIN
  DECLARE v_hold_id, v_due_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_clock DATETIME(6);

  SELECT h.hold_id, h.product_id
    INTO v_hold_id, v_product_id
    FROM payments AS w
    JOIN holds AS h ON h.hold_id = w.order_id
    JOIN product_clocks AS c ON c.product_id = h.product_id
   WHERE w.follow_up = 'order' AND h.order_at <= c.clock AND h.hold_id > io_hold_id
   ORDER BY h.hold_id
   LIMIT 1;
  SET io_hold_id = v_hold_id;

  DO (SELECT product_id FROM products WHERE product_id = v_product_id FOR SHARE);
  SELECT clock INTO v_clock FROM product_clocks WHERE product_id = v_product_id;
  SELECT hold_id
    INTO v_due_id
    FROM holds
   WHERE hold_id = v_hold_id AND order_at <= v_clock
     FOR UPDATE SKIP LOCKED;
  SET out_made = v_due_id IS NOT NULL;
  IF out_made THEN
    CALL _make_order(v_due_id, NULL, NULL, NULL);
  END IF;
END $$

DELIMITER ;
