-- What the shop is told. While there is a receiver, everything that happens to an order, holds that expire, payments that
-- are due or disputed, and products that are sold out leave a row for it in notifications, in their own transaction. The
-- workers of an API that has FLASHSALE_NOTIFY_URL post them, and name the receivers when they start. Here is the same by
-- hand.
SET timestamp = UNIX_TIMESTAMP('2031-05-07 09:00:00');
CALL set_receivers('["https://shop.example/flashsale"]');
CALL create_product('Enamel mug', 1500, 'EUR', 50, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)\G
CALL create_hold(@product_id, 1, 'henry', 'mug-1')\G
CALL create_order(@hold_id, NULL, 'shop-4712', NULL)\G
CALL list_notifications('pending', 10)\G

-- A worker takes what is due, for 60 seconds, and says what became of it. With attempts of 0 everywhere nobody delivers: no
-- API with FLASHSALE_NOTIFY_URL runs.
CALL claim_notifications('https://shop.example/flashsale', 10, 60)\G
SELECT MAX(notification_id) INTO @told FROM notifications;
CALL settle_notification(@told, 1, '503 Service Unavailable');

-- It is tried for three days, with growing pauses. Then it has failed, and waits for a person.
SET timestamp = UNIX_TIMESTAMP('2031-05-10 09:00:00');
CALL claim_notifications('https://shop.example/flashsale', 10, 60)\G
CALL settle_notification(@told, 2, '503 Service Unavailable');
CALL list_tasks()\G

-- When the receiver works again, send it again.
CALL resend_notification(@told, NULL)\G

-- Tell nobody any more: what is pending has failed, and nothing is written from now on. The API does this for
-- FLASHSALE_NOTIFY_URL=none.
CALL set_receivers('[]');
CALL list_notifications('failed', 10)\G
SET timestamp = DEFAULT;
CALL check_invariants();
