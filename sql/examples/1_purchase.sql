-- A purchase. There are three prints. Alice's payment arrives before her order; Bob comes too late to order what he holds.
-- The clock of the session is set, so that the times are the same whenever it runs. Leave that out in a real sale.
SET timestamp = UNIX_TIMESTAMP('2031-05-04 08:00:00');
CALL create_product('Numbered print', 12900, 'EUR', 3, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)\G
CALL create_hold(@product_id, 2, 'alice', 'cart-81')\G
SET @alice = @hold_id;

-- One print is left, and Bob wants two.
CALL create_hold(@product_id, 2, 'bob', 'cart-82');

-- The payment has no order yet, so it waits. The order is then born paid.
CALL receive_payment_webhook('evt_1', @alice, 'pi_1', 'succeeded', 25800, 'EUR', NULL, NULL)\G
CALL create_order(@alice, 'order-81', 'shop-4711', '{"channel": "app"}')\G

-- A repeat of the event does nothing; it says what the first one did.
CALL receive_payment_webhook('evt_1', @alice, 'pi_1', 'succeeded', 25800, 'EUR', NULL, NULL)\G

-- A hold ends after 120 seconds, swept or not. SET timestamp moves the clock of this session only.
CALL create_hold(@product_id, 1, 'bob', 'cart-83')\G
SET timestamp = UNIX_TIMESTAMP('2031-05-04 08:02:01');
CALL create_order(@hold_id, 'order-83', NULL, NULL);
CALL create_hold(@product_id, 1, 'carol', 'cart-84')\G
SELECT hold_uuid, qty, customer_id, ended_as FROM hold_history WHERE product_id = @product_id ORDER BY ended_at;
CALL adjust_stock(@product_id, 10, 'second delivery', NULL)\G
SET timestamp = DEFAULT;
CALL check_invariants();
