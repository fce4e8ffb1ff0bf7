-- On duty. A product goes on sale at nine, two a customer.
SET timestamp = UNIX_TIMESTAMP('2031-05-04 08:59:30');
CALL create_product('Anniversary watch', 49900, 'EUR', 20, 1, NULL, NULL, NULL, NULL, '2031-05-04 09:00:00', NULL, NULL)\G
SET @watch = @product_id;
CALL set_limits(@watch, 2, 20, 60, 30, 'two a customer, no hoarding', NULL)\G
CALL create_hold(@watch, 1, 'alice', 'watch-1');

-- Buyers come, and one of them pays. Watch it: a row for each product, and one for everything together.
SET timestamp = UNIX_TIMESTAMP('2031-05-04 09:00:00');
CALL create_hold(@watch, 2, 'alice', 'watch-1')\G
SET @alice = @hold_id;
CALL create_order(@alice, NULL, NULL, NULL)\G
CALL receive_payment_webhook('evt_21', @alice, 'pi_21', 'succeeded', 99800, 'EUR', NULL, NULL)\G
CALL create_hold(@watch, 2, 'bob', 'watch-2')\G
CALL sale_overview();

-- Add stock in the middle.
SET timestamp = UNIX_TIMESTAMP('2031-05-04 09:01:00');
CALL adjust_stock(@watch, 10, 'second delivery', NULL)\G

-- Close for a minute and go on. Holds that live stay good while the sale is closed.
CALL set_sale_window(@watch, '2031-05-04 09:00:00', UTC_TIMESTAMP(6), 'the payment page is slow', NULL)\G
CALL create_hold(@watch, 1, 'carol', 'watch-3');
CALL set_sale_window(@watch, '2031-05-04 09:00:00', NULL, 'it is fast again', NULL)\G

-- Another price, for the next hold. Who holds or has ordered pays what they were told. A price is a whole number of
-- minor units (cents): nothing is rounded.
CALL set_price(@watch, 459.00, 'last hour', NULL);
CALL set_price(@watch, 45900, 'last hour', NULL)\G
CALL create_hold(@watch, 1, 'carol', 'watch-3')\G
SET @carol = @hold_id;
SELECT customer_id, qty, unit_price_minor FROM holds WHERE product_id = @watch ORDER BY customer_id;

-- A customer on the phone: what has she bought? An order that is not paid can be cancelled. That is final: its units are
-- on sale again, and a payment that comes all the same has to go back.
CALL create_order(@carol, NULL, NULL, NULL)\G
CALL find_purchases('carol')\G
CALL cancel_order(@carol, 'ordered by mistake', NULL)\G
CALL cancel_order(@alice, 'changed her mind', NULL);

-- Hand it over. From then on a refund does not put the units back on sale.
CALL fulfil_order(@alice)\G

-- Orders of a customer, page by page, the newest first; and one by the shop's own number.
CALL list_orders('alice', NULL, 'paid', NULL, 10)\G
CALL list_orders(NULL, 'shop-4711', NULL, NULL, NULL)\G

-- Is everything well?
SET timestamp = DEFAULT;
CALL check_invariants();
