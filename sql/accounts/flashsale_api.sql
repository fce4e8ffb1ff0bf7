-- What the HTTP service logs in as: it may call the procedures of its routes and nothing else.
-- Locked until the deployment gives it its password.
CREATE USER IF NOT EXISTS flashsale_api@'%' ACCOUNT LOCK;
GRANT EXECUTE ON PROCEDURE list_products TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE get_product TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE create_hold TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE create_holds TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE get_hold TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE release_hold TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE extend_hold TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE create_order TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE create_orders TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE list_orders TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE get_order TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE cancel_pending_order TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE fulfil_order TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE receive_payment_webhook TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE receive_payment_webhooks TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE count_refused_webhook TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE end_call TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE find_role TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE resume_sweep TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE health_check TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE collect_live_metrics TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE collect_metrics TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE check_invariants TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE show_board TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE show_totals TO flashsale_api@'%';
GRANT EXECUTE ON PROCEDURE list_tasks TO flashsale_api@'%';
