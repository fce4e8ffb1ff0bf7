DELIMITER $$

DROP PROCEDURE IF EXISTS create_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE create_orders (
  IN in_requests LONGTEXT
)
COMMENT '
Description
  Makes the orders of many live holds, of one product or of several, in one transaction: for each request what create_order does, as far as
  it is plain. A request that is not plain is left alone, which changes nothing: CALL create_order for it.

Parameters
  in_requests TEXT  JSON array of 1 to 100 objects, {"hold_id": TEXT, "idempotency_key", "reference", "metadata": TEXT or null}, as the
                    parameters of create_order; other members are ignored

Result set
  number (of the request, from 1), answer (done; alone: not plain), errno, sqlstate and message (NULL: it refuses no single request),
  then the columns of create_order, NULL unless done. One row for each request, in their order. Plain is a live hold with a price, for
  which no payment waits, that nobody else is working on, with a key and a reference that are new, and the first request of this
  hold, of this key and of this reference in the array; all else is left alone

Errors
  invalid_argument  it is no JSON array of 1 to 100 elements

Locks
  the products (shared) and the holds, as far as nobody has locked them; the orders

Example
  mysql> CALL create_orders(''[{"hold_id": "01a21c20-2b40-774a-9f04-b08ae378760d", "idempotency_key": "order-81"}]'')\\G
  *************************** 1. row ***************************
         number: 1
         answer: done
          errno: NULL
       sqlstate: NULL
        message: NULL
       order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
        hold_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     product_id: 1
            qty: 2
    customer_id: alice
      reference: NULL
       metadata: NULL
         status: pending
     unit_price: 12900
         amount: 25800
       currency: EUR
       refunded: 0
     refund_due: 0
        dispute: NULL
     created_at: 2026-11-27 08:30:00.000000
         pay_by: 2026-11-27 08:45:00.000000
      pay_in_ms: 900000
        paid_at: NULL
   fulfilled_at: NULL
      closed_at: NULL
   cancelled_as: NULL
  closed_reason: NULL
       replayed: 0
  mysql> CALL create_orders(''[]'');
  ERROR 31301 (45422): invalid_argument: requests must be a JSON array of 1 to 100 elements
'
BEGIN
  DECLARE v_requests, v_hold_ids JSON;
  DECLARE v_count INT;
  DECLARE v_round INT DEFAULT 0;
  DECLARE v_done BOOLEAN DEFAULT FALSE;
  DECLARE v_numbers TEXT;
  DECLARE v_known TEXT DEFAULT '';

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_set('requests', in_requests, v_requests, v_count);
    -- Whose key or reference is known, or comes at this instant in another session, is found by failing once; in the end all are left alone.
    WHILE NOT v_done AND v_round < 3 DO
      BEGIN
        DECLARE EXIT HANDLER FOR 1062, 1213
        BEGIN
          ROLLBACK;
          SET v_round = v_round + 1, v_numbers = NULL;
        END;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        IF v_round > 0 THEN
          CALL _find_known_orders(v_requests, v_known);
        END IF;
        CALL _lock_plain_holds(v_requests, v_known, v_numbers, v_hold_ids);
        IF v_numbers IS NOT NULL THEN
          CALL _make_orders(v_requests, v_numbers, v_hold_ids);
        END IF;
        COMMIT;
        SET v_done = TRUE;
      END;
    END WHILE;
  END;

  -- An order that was made just now has not been paid or cancelled; what it is called and costs is read back.
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT r.number, IF(o.order_id IS NULL, 'alone', 'done') AS answer, CAST(NULL AS SIGNED) AS errno, CAST(NULL AS CHAR(5)) AS `sqlstate`,
         CAST(NULL AS CHAR(128)) AS message,
         o.order_uuid AS order_id, o.order_uuid AS hold_id, o.product_id, o.qty, o.customer_id, o.reference, o.metadata,
         IF(o.order_id IS NULL, NULL, 'pending') AS status, o.unit_price_minor AS unit_price, o.amount_minor AS amount, o.currency,
         IF(o.order_id IS NULL, NULL, 0) AS refunded, IF(o.order_id IS NULL, NULL, 0) AS refund_due, CAST(NULL AS CHAR(6)) AS dispute,
         o.created_at, o.pay_by, GREATEST(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), o.pay_by) DIV 1000, 0) AS pay_in_ms,
         CAST(NULL AS DATETIME(6)) AS paid_at, CAST(NULL AS DATETIME(6)) AS fulfilled_at, CAST(NULL AS DATETIME(6)) AS closed_at,
         CAST(NULL AS CHAR(9)) AS cancelled_as, CAST(NULL AS CHAR(255)) AS closed_reason, IF(o.order_id IS NULL, NULL, FALSE) AS replayed
    FROM JSON_TABLE(v_requests, '$[*]' COLUMNS (number FOR ORDINALITY, hold_id CHAR(36) PATH '$.hold_id')) AS r
    LEFT JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = IF(FIND_IN_SET(r.number, v_numbers), UUID_TO_BIN(r.hold_id), NULL)
   ORDER BY r.number;
  COMMIT;
END $$

DELIMITER ;
