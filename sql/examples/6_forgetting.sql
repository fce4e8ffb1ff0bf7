-- A customer who asks to be forgotten. Wherever the customer's id stands, a random name takes its place, the same
-- everywhere, so limits and counts stay right. Payloads of the customer's events are emptied. What you wrote as a reason
-- stays: leave names out of reasons.
SET timestamp = UNIX_TIMESTAMP('2031-05-11 09:00:00');
CALL create_product('Concert ticket', 9900, 'EUR', 50, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)\G
CALL create_hold(@product_id, 1, 'ida', 'ticket-1')\G
CALL create_order(@hold_id, NULL, NULL, NULL)\G
CALL receive_payment_webhook('evt_61', @order_id, 'pi_61', 'succeeded', 9900, 'EUR', NULL, '{"id": "evt_61", "buyer": "ida"}')\G
CALL forget_customer('ida', 'asked by letter')\G
SELECT id, product, status FROM purchases WHERE customer_id = 'ida';
CALL get_order(@order_id)\G
SELECT payment_id, outcome, payload FROM payment_webhooks WHERE webhook_id = @webhook_id;
SET timestamp = DEFAULT;
CALL check_invariants();
