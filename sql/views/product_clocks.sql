DELIMITER $$

-- The clock by which what is held and unpaid of a product runs out, a row for each product: it stands still while the sale is paused.
-- The one home of that rule: whatever is about to call a hold expired or an order overdue asks here (ADR 20).
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW product_clocks AS
SELECT p.product_id, COALESCE(LEAST(p.paused_at, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6)) AS clock, p.paused_at,
       COALESCE(GREATEST(TIMESTAMPDIFF(MICROSECOND, p.paused_at, UTC_TIMESTAMP(6)), 0), 0) AS paused_microseconds
  FROM products AS p $$

DELIMITER ;
