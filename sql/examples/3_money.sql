-- Money. Three orders to begin with: Alice pays hers, Carol's is cancelled, and Bob only holds.
SET timestamp = UNIX_TIMESTAMP('2031-05-05 09:00:00');
CALL create_product('Signed guitar', 45900, 'EUR', 30, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)\G
SET @guitar = @product_id;
CALL create_hold(@guitar, 2, 'alice', 'guitar-1')\G
SET @alice = @hold_id;
CALL create_order(@alice, NULL, NULL, NULL)\G
CALL receive_payment_webhook('evt_31', @alice, 'pi_31', 'succeeded', 91800, 'EUR', NULL, NULL)\G
CALL create_hold(@guitar, 1, 'carol', 'guitar-2')\G
SET @carol = @hold_id;
CALL create_order(@carol, NULL, NULL, NULL)\G
CALL cancel_order(@carol, 'ordered by mistake', NULL)\G
CALL create_hold(@guitar, 2, 'bob', 'guitar-3')\G
SET @bob = @hold_id;

-- Money that comes before its order waits. Nobody can take Bob's guitars from him now: his hold lives on for
-- payment_seconds, and if nobody has made the order by then, the sweep makes it.
SET timestamp = UNIX_TIMESTAMP('2031-05-05 09:01:00');
CALL receive_payment_webhook('evt_32', @bob, 'pi_32', 'succeeded', 91800, 'EUR', NULL, NULL)\G
CALL get_hold(@bob)\G
CALL list_tasks()\G
CALL create_order(@bob, NULL, NULL, NULL)\G

-- Money that pays for nothing is due. Bob's bank sends it twice; Carol pays the order that was cancelled; of Alice's
-- payment a part goes back, and that refund fails.
SET timestamp = UNIX_TIMESTAMP('2031-05-05 09:02:00');
CALL receive_payment_webhook('evt_33', @bob, 'pi_33', 'succeeded', 91800, 'EUR', NULL, NULL)\G
SET timestamp = UNIX_TIMESTAMP('2031-05-05 09:03:00');
CALL receive_payment_webhook('evt_34', @carol, 'pi_34', 'succeeded', 45900, 'EUR', NULL, NULL)\G
CALL receive_payment_webhook('evt_35', NULL, 'pi_31', 'refunded', 20000, 'EUR', NULL, NULL)\G
CALL receive_payment_webhook('evt_36', NULL, 'pi_31', 'refund_failed', 20000, 'EUR', NULL, NULL)\G

-- The list to work through, the oldest first. Refund each at the provider; the provider's event then clears it. Where it
-- sends none, record_refund does. When the event comes later all the same, it is not counted a second time.
CALL list_refunds_due()\G
CALL record_refund('pi_33', 're_33 at the payment provider', NULL)\G
CALL record_refund('pi_32', 're_32', NULL);

-- Another amount than the order costs does not pay it: it is due. If you want it, take it: accept_payment makes it the
-- price of the order.
SET timestamp = UNIX_TIMESTAMP('2031-05-05 09:04:00');
CALL create_hold(@guitar, 1, 'dora', 'guitar-4')\G
CALL create_order(@hold_id, NULL, NULL, NULL)\G
CALL receive_payment_webhook('evt_37', @order_id, 'pi_37', 'succeeded', 20000, 'EUR', NULL, NULL)\G
CALL accept_payment('pi_37', 'the rest was paid in cash', NULL)\G

-- Money that comes late takes the units of its order back, if the sale still has them. Erin's first payment fails, so her
-- order is cancelled; then all guitars are gone, and her second payment is due. A guitar is found: have the event decided
-- anew. (A declined card cancels nothing: the event `declined` leaves the order to its buyer until pay_by.)
SET timestamp = UNIX_TIMESTAMP('2031-05-05 09:05:00');
CALL create_hold(@guitar, 1, 'erin', 'guitar-5')\G
CALL create_order(@hold_id, NULL, NULL, NULL)\G
CALL receive_payment_webhook('evt_38', @order_id, 'pi_38', 'failed', NULL, NULL, NULL, NULL)\G
CALL adjust_stock(@guitar, -25, 'the second delivery was damaged', NULL)\G
CALL receive_payment_webhook('evt_39', @order_id, 'pi_39', 'succeeded', 45900, 'EUR', NULL, NULL)\G
CALL reprocess_webhook(@webhook_id, NULL);
CALL adjust_stock(@guitar, 1, 'found one', NULL)\G
CALL reprocess_webhook(@webhook_id, NULL)\G

-- A dispute is a mark: the customer asked the bank for the money. No units move, and nothing becomes due; what to do about
-- it the shop decides. The order and the board show it until it is won or lost.
CALL receive_payment_webhook('evt_40', NULL, 'pi_31', 'dispute_opened', NULL, NULL, NULL, NULL)\G
SELECT payment_id, state, amount_minor AS amount, refunded_minor AS refunded, dispute, reason FROM payments WHERE payment_id LIKE 'pi_3%' ORDER BY payment_id;

-- The inbox: what each event did, and why.
CALL list_webhooks('refund_due', '2031-05-05 09:00:00', 1)\G
CALL adjust_stock(@guitar, 5, 'third delivery', NULL)\G
SET timestamp = DEFAULT;
CALL check_invariants();
