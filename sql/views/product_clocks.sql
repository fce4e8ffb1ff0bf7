DELIMITER $$

-- The clock by which what is held and unpaid of a product runs out, a row for each product: it stands still while the sale is paused.
-- The one home of that rule: whatever is about to call a hold expired or an order overdue asks here (ADR 20).
-- stock_total is there for live_stock, which would have to read the product twice.
-- phase: how the sale stands as far as its times and the operator decide: upcoming, ended, paused; NULL: it goes on while there are units.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW product_clocks AS
SELECT p.product_id, p.stock_total, COALESCE(LEAST(p.paused_at, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6)) AS clock, p.paused_at,
       COALESCE(GREATEST(TIMESTAMPDIFF(MICROSECOND, p.paused_at, UTC_TIMESTAMP(6)), 0), 0) AS paused_microseconds,
       CASE
         WHEN p.sale_starts_at > UTC_TIMESTAMP(6) AND p.stopped_at IS NULL THEN 'upcoming'
         WHEN p.sale_ends_at <= UTC_TIMESTAMP(6) OR p.stopped_at IS NOT NULL THEN 'ended'
         WHEN p.paused_at IS NOT NULL THEN 'paused'
       END AS phase
  FROM products AS p $$

DELIMITER ;
