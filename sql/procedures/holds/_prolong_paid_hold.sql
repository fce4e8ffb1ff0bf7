DELIMITER $$

DROP PROCEDURE IF EXISTS _prolong_paid_hold $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _prolong_paid_hold (
  IN in_hold_id BINARY(16)
)
COMMENT '
Description
  A paid hold is not lost: while a payment of its money waits for its order, a live hold does not expire, and after payment_seconds
  the sweep makes the order. When all of that money went back it ends when it would have ended without the payment. In the
  transaction of its caller, who has locked the hold; called when something became of one of its payments.

Locks
  none beyond the hold
'
BEGIN
  DECLARE v_paid, v_live BOOLEAN;
  DECLARE v_order_at, v_unpaid_until, v_would_order_at DATETIME(6);

  -- Read first, and not joined in an UPDATE, which would lock the product after the hold. GREATEST: should the clock have been set
  -- back, a hold still ends after it began.
  SELECT h.order_at, h.unpaid_until, h.expires_at > c.clock, GREATEST(c.clock, h.created_at) + INTERVAL p.payment_seconds SECOND,
         EXISTS (SELECT 1
                   FROM payments AS w
                  WHERE w.order_id = h.hold_id AND w.state = 'waiting' AND w.amount_minor = h.qty * h.unit_price_minor
                    AND w.currency = p.currency AND w.returning_minor < w.amount_minor)
    INTO v_order_at, v_unpaid_until, v_live, v_would_order_at, v_paid
    FROM holds AS h
    JOIN products AS p ON p.product_id = h.product_id
    JOIN product_clocks AS c ON c.product_id = h.product_id
   WHERE h.hold_id = in_hold_id;

  IF v_paid AND v_order_at IS NULL AND v_live THEN
    UPDATE holds SET unpaid_until = expires_at, order_at = v_would_order_at, expires_at = '9999-12-31' WHERE hold_id = in_hold_id;
  ELSEIF NOT v_paid AND v_order_at IS NOT NULL THEN
    UPDATE holds SET order_at = NULL, expires_at = v_unpaid_until, unpaid_until = NULL WHERE hold_id = in_hold_id;
  END IF;
END $$

DELIMITER ;
