DELIMITER $$

-- Live holds, whether each still lives and when it ends: while the sale is paused, when it would if the sale went on at this moment.
-- A paid hold ends when the sweep makes its order. STRAIGHT_JOIN: readers come by the hold, never by the product.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW hold_deadlines AS
SELECT h.hold_id, h.hold_uuid, h.product_id, h.qty, h.unit_price_minor, h.customer_id, h.idempotency_key, h.created_at, h.extended_at,
       h.expires_at > c.clock AS is_live,
       COALESCE(h.order_at, h.expires_at)
         + INTERVAL IF(COALESCE(h.order_at, h.expires_at) > c.clock, c.paused_microseconds, 0) MICROSECOND AS ends_at
  FROM holds AS h
  STRAIGHT_JOIN product_clocks AS c ON c.product_id = h.product_id $$

DELIMITER ;
