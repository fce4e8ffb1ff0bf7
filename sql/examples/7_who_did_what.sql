-- Who did what? The ledger says it, for a product or for an order; what you do by a procedure is kept with your account and
-- your reason.
SET timestamp = UNIX_TIMESTAMP('2031-05-12 09:00:00');
CALL create_product('Silk scarf', 5900, 'EUR', 10, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)\G
SET timestamp = UNIX_TIMESTAMP('2031-05-12 09:01:00');
CALL set_price(@product_id, 4900, 'last hour', NULL)\G
CALL create_hold(@product_id, 2, 'jack', 'scarf-1')\G
SET timestamp = UNIX_TIMESTAMP('2031-05-12 09:02:00');
CALL create_order(@hold_id, NULL, NULL, NULL)\G
SET timestamp = UNIX_TIMESTAMP('2031-05-12 09:03:00');
CALL cancel_order(@order_id, 'ordered by mistake', NULL)\G
CALL list_ledger(NULL, @order_id, NULL)\G
CALL list_ledger(@product_id, NULL, 2)\G

-- The view behind it is to look at freely. Its units add up to those that are free.
SELECT TIME_FORMAT(happened_at, '%T') AS time, entry, units, account, reason FROM stock_ledger WHERE product_id = @product_id ORDER BY happened_at, units, entry;
SELECT SUM(units) FROM stock_ledger WHERE product_id = @product_id;
