-- Ending a sale. set_sale_window lets live holds live; stop_sale ends them, too: nothing more is held or ordered, and no
-- order that lapsed comes back. Orders that wait for their payment can still be paid.
SET timestamp = UNIX_TIMESTAMP('2031-05-06 09:00:00');
CALL create_product('Tour poster', 2900, 'EUR', 8, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL)\G
SET @poster = @product_id;
CALL create_hold(@poster, 1, 'frank', 'poster-1')\G
SET @frank = @hold_id;
CALL create_hold(@poster, 1, 'grace', 'poster-2')\G
SET @grace = @hold_id;
CALL create_order(@grace, NULL, NULL, NULL)\G
CALL stop_sale(@poster, 'a recall', NULL)\G
CALL create_order(@frank, NULL, NULL, NULL);
CALL create_hold(@poster, 1, 'frank', 'poster-3');
CALL receive_payment_webhook('evt_41', @frank, 'pi_41', 'succeeded', 2900, 'EUR', NULL, NULL)\G

-- When nothing is held or unpaid any more, take the product off the lists. It is still there for its orders and payments,
-- and set_sale_window opens its sale again.
CALL archive_product(@poster, 'season over', NULL);
CALL cancel_order(@grace, 'a recall', NULL)\G
CALL archive_product(@poster, 'season over', NULL)\G
CALL sale_overview();
SET timestamp = DEFAULT;
CALL check_invariants();
