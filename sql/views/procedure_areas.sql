DELIMITER $$

-- Made from the folders of procedures/ by `make examples`: the area of each public procedure, for help().
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW procedure_areas AS
SELECT 'catalog' AS area, 'adjust_stock' AS name
 UNION ALL
SELECT 'catalog' AS area, 'archive_product' AS name
 UNION ALL
SELECT 'catalog' AS area, 'create_product' AS name
 UNION ALL
SELECT 'catalog' AS area, 'get_product' AS name
 UNION ALL
SELECT 'catalog' AS area, 'list_products' AS name
 UNION ALL
SELECT 'catalog' AS area, 'pause_sale' AS name
 UNION ALL
SELECT 'catalog' AS area, 'resume_sale' AS name
 UNION ALL
SELECT 'catalog' AS area, 'set_limits' AS name
 UNION ALL
SELECT 'catalog' AS area, 'set_price' AS name
 UNION ALL
SELECT 'catalog' AS area, 'set_sale_window' AS name
 UNION ALL
SELECT 'catalog' AS area, 'stop_sale' AS name
 UNION ALL
SELECT 'holds' AS area, 'create_hold' AS name
 UNION ALL
SELECT 'holds' AS area, 'create_holds' AS name
 UNION ALL
SELECT 'holds' AS area, 'extend_hold' AS name
 UNION ALL
SELECT 'holds' AS area, 'get_hold' AS name
 UNION ALL
SELECT 'holds' AS area, 'release_hold' AS name
 UNION ALL
SELECT 'notifications' AS area, 'claim_notifications' AS name
 UNION ALL
SELECT 'notifications' AS area, 'list_notifications' AS name
 UNION ALL
SELECT 'notifications' AS area, 'resend_notification' AS name
 UNION ALL
SELECT 'notifications' AS area, 'set_receivers' AS name
 UNION ALL
SELECT 'notifications' AS area, 'settle_notification' AS name
 UNION ALL
SELECT 'orders' AS area, 'cancel_order' AS name
 UNION ALL
SELECT 'orders' AS area, 'cancel_pending_order' AS name
 UNION ALL
SELECT 'orders' AS area, 'create_order' AS name
 UNION ALL
SELECT 'orders' AS area, 'create_orders' AS name
 UNION ALL
SELECT 'orders' AS area, 'find_purchases' AS name
 UNION ALL
SELECT 'orders' AS area, 'fulfil_order' AS name
 UNION ALL
SELECT 'orders' AS area, 'get_order' AS name
 UNION ALL
SELECT 'orders' AS area, 'list_orders' AS name
 UNION ALL
SELECT 'payments' AS area, 'accept_payment' AS name
 UNION ALL
SELECT 'payments' AS area, 'count_refused_webhook' AS name
 UNION ALL
SELECT 'payments' AS area, 'list_refunds_due' AS name
 UNION ALL
SELECT 'payments' AS area, 'list_webhooks' AS name
 UNION ALL
SELECT 'payments' AS area, 'receive_payment_webhook' AS name
 UNION ALL
SELECT 'payments' AS area, 'receive_payment_webhooks' AS name
 UNION ALL
SELECT 'payments' AS area, 'record_refund' AS name
 UNION ALL
SELECT 'payments' AS area, 'reprocess_webhook' AS name
 UNION ALL
SELECT 'upkeep' AS area, 'end_call' AS name
 UNION ALL
SELECT 'upkeep' AS area, 'expire_holds' AS name
 UNION ALL
SELECT 'upkeep' AS area, 'expire_orders' AS name
 UNION ALL
SELECT 'upkeep' AS area, 'forget_customer' AS name
 UNION ALL
SELECT 'upkeep' AS area, 'purge_history' AS name
 UNION ALL
SELECT 'upkeep' AS area, 'resume_sweep' AS name
 UNION ALL
SELECT 'upkeep' AS area, 'sweep' AS name
 UNION ALL
SELECT 'watch' AS area, 'check_invariants' AS name
 UNION ALL
SELECT 'watch' AS area, 'compare_node' AS name
 UNION ALL
SELECT 'watch' AS area, 'find_role' AS name
 UNION ALL
SELECT 'watch' AS area, 'health_check' AS name
 UNION ALL
SELECT 'watch' AS area, 'help' AS name
 UNION ALL
SELECT 'watch' AS area, 'list_ledger' AS name
 UNION ALL
SELECT 'watch' AS area, 'list_tasks' AS name
 UNION ALL
SELECT 'watch' AS area, 'sale_overview' AS name
 UNION ALL
SELECT 'watch' AS area, 'show_board' AS name
 UNION ALL
SELECT 'watch' AS area, 'show_totals' AS name $$

DELIMITER ;
