-- The map, and the ordered list, of everything that runs inside MySQL: one object a file, each after what it needs.
--
--   accounts/              flashsale_owner owns all objects; nobody logs in as it. The others: what the API, the DBA and the operator may call
--   views/                 what several procedures read: a rule that is a question is answered here once
--     product_clocks         the time of a product, which stands still in a pause, and the phase of its sale; hold_deadlines and order_deadlines follow it
--     payment_deadlines      until when a payment waits for an order that nobody knows
--     live_stock             how a sale stands, and what is available; purchases, order_totals and stock_ledger: what became of the units
--     money_owed             what is due back to buyers
--     sweep_health           how long what expired has been waiting for the sweep, how late is late, and whether that is
--     …_violations           what must never be; invariant_violations is all of it
--     procedure_areas        which folder a public procedure comes from, for help()
--   procedures/            public ones are verb_noun and each runs a transaction; those that begin with _ work inside that of their caller
--     lib/                   for all areas: raise an error, check a parameter, use a key once, record an action
--     notifications/         what the shop is told: the outbox, its receivers, deliveries
--     stock/                 the units: take, return, expire; all private
--     catalog/               products: price, window, limits, stock, pause, end
--     holds/                 a buyer reserves units, alone or in a set
--     orders/                a hold becomes an order; it is cancelled, fulfilled, found
--     payments/              events of payments, and what each does to its order; refunds
--     upkeep/                the sweep and what it expires; history and customers that go; a CALL that is ended
--     watch/                 look at it: health, role, board, metrics, ledger, tasks, invariants, help
--   rules/payment_rules    the table of decisions on payments
--   events/sweep_expired   calls sweep() every second
--
-- The way of a buyer: create_hold > create_order > receive_payment_webhook. To look: CALL help(''); to check: CALL check_invariants().
-- The deployment reads this list. A DBA can feed it to the plain client, after the migrations:
-- cd sql && mysql --loose-commands --comments DATABASE < install.sql

-- A routine keeps the sql_mode and the collation it was created under, so they must not depend on who installs it.
SET SESSION sql_mode = 'STRICT_TRANS_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';
SET NAMES utf8mb4 COLLATE utf8mb4_0900_bin;

SOURCE accounts/flashsale_owner.sql

SOURCE views/product_clocks.sql
SOURCE views/hold_deadlines.sql
SOURCE views/order_deadlines.sql
SOURCE views/payment_deadlines.sql
SOURCE views/sweep_health.sql
SOURCE views/money_owed.sql
SOURCE views/purchases.sql
SOURCE views/stock_ledger.sql
SOURCE views/unit_violations.sql
SOURCE views/hold_violations.sql
SOURCE views/money_violations.sql
SOURCE views/inbox_violations.sql
SOURCE views/action_violations.sql
SOURCE views/notification_violations.sql
SOURCE views/housekeeping_violations.sql
SOURCE views/invariant_violations.sql
SOURCE views/live_stock.sql
SOURCE views/order_totals.sql
SOURCE views/procedure_areas.sql

SOURCE procedures/lib/_raise.sql
SOURCE procedures/lib/_record_action.sql
SOURCE procedures/lib/_require_currency.sql
SOURCE procedures/lib/_require_number.sql
SOURCE procedures/lib/_require_object.sql
SOURCE procedures/lib/_require_set.sql
SOURCE procedures/lib/_require_text.sql
SOURCE procedures/lib/_require_uuid.sql
SOURCE procedures/lib/_use_key.sql

SOURCE procedures/notifications/_notify_holds.sql
SOURCE procedures/notifications/_notify_orders.sql
SOURCE procedures/notifications/_notify_payment.sql
SOURCE procedures/notifications/_notify_products.sql
SOURCE procedures/notifications/_purge_notifications.sql
SOURCE procedures/notifications/_select_notifications.sql
SOURCE procedures/notifications/claim_notifications.sql
SOURCE procedures/notifications/list_notifications.sql
SOURCE procedures/notifications/resend_notification.sql
SOURCE procedures/notifications/set_receivers.sql
SOURCE procedures/notifications/settle_notification.sql

SOURCE procedures/stock/_change_stock.sql
SOURCE procedures/stock/_end_pause.sql
SOURCE procedures/stock/_expire_units.sql
SOURCE procedures/stock/_find_lapsed.sql
SOURCE procedures/stock/_free_units.sql
SOURCE procedures/stock/_gather_units.sql
SOURCE procedures/stock/_next_expired_product.sql
SOURCE procedures/stock/_pause_customers.sql
SOURCE procedures/stock/_pay_customer_units.sql
SOURCE procedures/stock/_pay_units_of_orders.sql
SOURCE procedures/stock/_read_stock.sql
SOURCE procedures/stock/_reclaim_expired.sql
SOURCE procedures/stock/_return_customer_units.sql
SOURCE procedures/stock/_return_units.sql
SOURCE procedures/stock/_take_customer_units.sql
SOURCE procedures/stock/_take_units.sql

SOURCE procedures/catalog/_lock_product.sql
SOURCE procedures/catalog/_require_product.sql
SOURCE procedures/catalog/_require_window.sql
SOURCE procedures/catalog/_select_products.sql
SOURCE procedures/catalog/adjust_stock.sql
SOURCE procedures/catalog/archive_product.sql
SOURCE procedures/catalog/create_product.sql
SOURCE procedures/catalog/get_product.sql
SOURCE procedures/catalog/list_products.sql
SOURCE procedures/catalog/pause_sale.sql
SOURCE procedures/catalog/resume_sale.sql
SOURCE procedures/catalog/set_limits.sql
SOURCE procedures/catalog/set_price.sql
SOURCE procedures/catalog/set_sale_window.sql
SOURCE procedures/catalog/stop_sale.sql

SOURCE procedures/holds/_end_holds.sql
SOURCE procedures/holds/_find_hold_by_key.sql
SOURCE procedures/holds/_keep_marked.sql
SOURCE procedures/holds/_prolong_paid_hold.sql
SOURCE procedures/holds/_read_hold_requests.sql
SOURCE procedures/holds/_refuse_customer.sql
SOURCE procedures/holds/_refuse_ended_hold.sql
SOURCE procedures/holds/_refuse_set.sql
SOURCE procedures/holds/_refuse_sold_out.sql
SOURCE procedures/holds/_refuse_unsellable.sql
SOURCE procedures/holds/_reserve.sql
SOURCE procedures/holds/_reserve_set.sql
SOURCE procedures/holds/_select_hold.sql
SOURCE procedures/holds/_share_out.sql
SOURCE procedures/holds/_sort_out_holds.sql
SOURCE procedures/holds/create_hold.sql
SOURCE procedures/holds/create_holds.sql
SOURCE procedures/holds/extend_hold.sql
SOURCE procedures/holds/get_hold.sql
SOURCE procedures/holds/release_hold.sql

SOURCE procedures/orders/_cancel_live_order.sql
SOURCE procedures/orders/_close_orders.sql
SOURCE procedures/orders/_find_known_orders.sql
SOURCE procedures/orders/_find_order_by_key.sql
SOURCE procedures/orders/_lock_order.sql
SOURCE procedures/orders/_lock_plain_holds.sql
SOURCE procedures/orders/_make_order.sql
SOURCE procedures/orders/_make_orders.sql
SOURCE procedures/orders/_order_paid_hold.sql
SOURCE procedures/orders/_retake_units.sql
SOURCE procedures/orders/_select_order.sql
SOURCE procedures/orders/cancel_order.sql
SOURCE procedures/orders/cancel_pending_order.sql
SOURCE procedures/orders/create_order.sql
SOURCE procedures/orders/create_orders.sql
SOURCE procedures/orders/find_purchases.sql
SOURCE procedures/orders/fulfil_order.sql
SOURCE procedures/orders/get_order.sql
SOURCE procedures/orders/list_orders.sql

SOURCE procedures/payments/_book_event.sql
SOURCE procedures/payments/_book_refund.sql
SOURCE procedures/payments/_count_delivery.sql
SOURCE procedures/payments/_decide_payment.sql
SOURCE procedures/payments/_decide_payments_of.sql
SOURCE procedures/payments/_empty_payloads.sql
SOURCE procedures/payments/_find_known_events.sql
SOURCE procedures/payments/_find_payment.sql
SOURCE procedures/payments/_lock_payment.sql
SOURCE procedures/payments/_lock_plain_events.sql
SOURCE procedures/payments/_lock_purchase.sql
SOURCE procedures/payments/_name_payment.sql
SOURCE procedures/payments/_pay_order.sql
SOURCE procedures/payments/_pay_orders.sql
SOURCE procedures/payments/_read_purchase.sql
SOURCE procedures/payments/_receive_money.sql
SOURCE procedures/payments/_reclaim_for_order.sql
SOURCE procedures/payments/_require_payment.sql
SOURCE procedures/payments/_select_webhook.sql
SOURCE procedures/payments/_settle_parked.sql
SOURCE procedures/payments/_settle_payment.sql
SOURCE procedures/payments/_take_event.sql
SOURCE procedures/payments/accept_payment.sql
SOURCE procedures/payments/count_refused_webhook.sql
SOURCE procedures/payments/list_refunds_due.sql
SOURCE procedures/payments/list_webhooks.sql
SOURCE procedures/payments/receive_payment_webhook.sql
SOURCE procedures/payments/receive_payment_webhooks.sql
SOURCE procedures/payments/record_refund.sql
SOURCE procedures/payments/reprocess_webhook.sql

SOURCE procedures/upkeep/_expire_next.sql
SOURCE procedures/upkeep/_lock_sweep.sql
SOURCE procedures/upkeep/_unlock_sweep.sql
SOURCE procedures/upkeep/end_call.sql
SOURCE procedures/upkeep/expire_holds.sql
SOURCE procedures/upkeep/expire_orders.sql
SOURCE procedures/upkeep/forget_customer.sql
SOURCE procedures/upkeep/purge_history.sql
SOURCE procedures/upkeep/resume_sweep.sql
SOURCE procedures/upkeep/sweep.sql

SOURCE procedures/watch/_read_health.sql
SOURCE procedures/watch/_read_obstacle.sql
SOURCE procedures/watch/_read_role.sql
SOURCE procedures/watch/check_invariants.sql
SOURCE procedures/watch/compare_node.sql
SOURCE procedures/watch/find_role.sql
SOURCE procedures/watch/health_check.sql
SOURCE procedures/watch/help.sql
SOURCE procedures/watch/list_ledger.sql
SOURCE procedures/watch/list_tasks.sql
SOURCE procedures/watch/sale_overview.sql
SOURCE procedures/watch/show_board.sql
SOURCE procedures/watch/show_totals.sql

START TRANSACTION;
DELETE FROM payment_rules;
SOURCE rules/payment_rules.sql
COMMIT;

SOURCE events/sweep_expired.sql

SOURCE accounts/flashsale_api.sql
SOURCE accounts/flashsale_dba.sql
SOURCE accounts/flashsale_operator.sql
