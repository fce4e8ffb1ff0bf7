DELIMITER $$

DROP PROCEDURE IF EXISTS help $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE help (
  IN in_name LONGTEXT
)
COMMENT '
Description
  Prints the documentation of a public procedure, or a list of all of them.

Parameters
  in_name TEXT  the procedure; an empty text or NULL lists all

Result set
  area (catalog, holds, orders, payments, notifications, operations), name, documentation: one row for in_name; or each public procedure with its
  first sentence, area by area

Errors
  invalid_argument  there is no public procedure of this name

Locks
  none

Example
  mysql> CALL help(''check_invariants'')\\G
  *************************** 1. row ***************************
           area: operations
           name: check_invariants
  documentation: 
  Description
    Looks for anything that must never be: units that do not add up, a hold used twice, a payment parked beside its order.
    It reads one snapshot, so it is exact in the middle of a sale. It walks over everything, so its cost grows with all of it.

  Parameters
    none

  Result set
    violation, product_id (NULL: not of one product), detail; no row when all is well

  Errors
    none

  Locks
    none

  Example
    mysql> CALL check_invariants();
    Empty set
  mysql> CALL help(''buy'');
  ERROR 31301 (45422): invalid_argument: name must be a public procedure; CALL help('''') lists them
'
BEGIN
  DECLARE v_known BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    SELECT COUNT(*)
      INTO v_known
      FROM information_schema.routines
     WHERE routine_schema = DATABASE() AND routine_name = in_name AND routine_name NOT LIKE '\_%';
    IF NOT v_known AND COALESCE(in_name, '') <> '' THEN
      CALL _raise('invalid_argument', 'name must be a public procedure; CALL help('''') lists them');
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT CASE
           WHEN routine_name IN ('create_product', 'adjust_stock', 'set_price', 'set_sale_window', 'set_limits', 'stop_sale',
                                 'archive_product', 'get_product', 'list_products')
             THEN 'catalog'
           WHEN routine_name IN ('create_hold', 'create_holds', 'get_hold', 'extend_hold', 'release_hold', 'expire_holds') THEN 'holds'
           WHEN routine_name IN ('create_order', 'create_orders', 'get_order', 'cancel_pending_order', 'cancel_order', 'fulfil_order',
                                 'list_orders', 'expire_orders', 'find_purchases')
             THEN 'orders'
           WHEN routine_name IN ('receive_payment_webhook', 'receive_payment_webhooks', 'count_refused_webhook', 'list_webhooks',
                                 'reprocess_webhook', 'list_refunds_due', 'record_refund', 'accept_payment') THEN 'payments'
           WHEN routine_name IN ('set_receivers', 'claim_notifications', 'settle_notification', 'list_notifications', 'resend_notification')
             THEN 'notifications'
           ELSE 'operations'
         END AS area,
         routine_name AS name,
         IF(v_known, routine_comment,
            REGEXP_REPLACE(REGEXP_SUBSTR(routine_comment, '(?<=Description\n  )[^.]*\\.'), '\\s+', ' ')) AS documentation
    FROM information_schema.routines
   WHERE routine_schema = DATABASE() AND routine_name NOT LIKE '\_%' AND (NOT v_known OR routine_name = in_name)
   ORDER BY FIELD(area, 'catalog', 'holds', 'orders', 'payments', 'notifications', 'operations'), CAST(routine_name AS BINARY);
  COMMIT;
END $$

DELIMITER ;
