DELIMITER $$

DROP PROCEDURE IF EXISTS fulfil_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE fulfil_order (
  IN in_order_id LONGTEXT
)
COMMENT '
Description
  Marks a paid order as fulfilled: its units were handed over or sent. A refund from then on does not put them back on sale.

Parameters
  in_order_id TEXT  the id of the order, which is the id of its hold

Result set
  the order, as get_order returns it; replayed is 1 for an order that was fulfilled already: nothing changed

Errors
  order_not_found        no order has this id
  order_not_fulfillable  it is not paid
  invalid_argument       the id is not a UUID

Locks
  the order

Example
  mysql> CALL fulfil_order(''01a21c20-2b40-774a-9f04-b08ae378760d'')\\G
  *************************** 1. row ***************************
       order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
        hold_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     product_id: 1
            qty: 2
    customer_id: alice
      reference: NULL
       metadata: NULL
         status: paid
     unit_price: 12900
         amount: 25800
       currency: EUR
       refunded: 0
     refund_due: 0
        dispute: NULL
     created_at: 2026-11-27 08:30:00.000000
         pay_by: 2026-11-27 08:45:00.000000
      pay_in_ms: NULL
        paid_at: 2026-11-27 08:31:00.000000
   fulfilled_at: 2026-11-27 14:00:00.000000
      closed_at: NULL
   cancelled_as: NULL
  closed_reason: NULL
       replayed: 0
  mysql> CALL fulfil_order(''8'');
  ERROR 31301 (45422): invalid_argument: order_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_status VARCHAR(10);
  DECLARE v_fulfilled BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('order_id', in_order_id);
    SET v_order_id = UUID_TO_BIN(in_order_id);

    START TRANSACTION;
    CALL _lock_order(v_order_id);
    SELECT status, fulfilled_at IS NOT NULL INTO v_status, v_fulfilled FROM orders WHERE order_id = v_order_id;
    IF NOT v_fulfilled AND v_status <> 'paid' THEN
      CALL _raise('order_not_fulfillable', CONCAT('the order is ', v_status, '; only a paid order is handed over'), NULL);
    ELSEIF NOT v_fulfilled THEN
      UPDATE orders SET fulfilled_at = UTC_TIMESTAMP(6) WHERE order_id = v_order_id;
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_order(v_order_id, v_fulfilled);
  COMMIT;
END $$

DELIMITER ;
