-- A role for the people on duty: every public procedure, every table and view to read, nothing to write directly.
CREATE ROLE IF NOT EXISTS flashsale_dba;
GRANT SELECT ON * TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE create_product TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE adjust_stock TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE set_sale_window TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE set_limits TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE list_products TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE get_product TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE create_hold TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE get_hold TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE release_hold TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE extend_hold TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE create_order TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE get_order TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE cancel_order TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE receive_payment_webhook TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE count_refused_webhook TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE list_webhooks TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE reprocess_webhook TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE list_refunds_due TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE record_refund TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE sweep TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE expire_holds TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE expire_orders TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE check_invariants TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE health_check TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE sale_overview TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE purge_history TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE collect_live_metrics TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE collect_metrics TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE show_board TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE show_totals TO flashsale_dba;
GRANT EXECUTE ON PROCEDURE help TO flashsale_dba;
-- EXECUTE that comes through a role does not make a routine visible in information_schema; SHOW_ROUTINE (8.0.20) does.
/*!80020 GRANT SHOW_ROUTINE ON *.* TO flashsale_dba */;
-- SET timestamp, to fast-forward a session, needs no right; a DBA's own login is made with
-- CREATE USER ...; GRANT flashsale_dba TO ...; SET DEFAULT ROLE ALL TO ...;
