DELIMITER $$

DROP PROCEDURE IF EXISTS cancel_pending_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE cancel_pending_order (
  IN in_order_id LONGTEXT
)
COMMENT '
Description
  Cancels an order that waits for its payment, because its buyer asks for it; its units return to sale at once. It is final: a
  payment that still comes is due.

Parameters
  in_order_id TEXT  the id of the order, which is the id of its hold

Result set
  the order, as get_order returns it; replayed is 1 for an order that was cancelled already: nothing changed

Errors
  order_not_found        no order has this id
  order_not_cancellable  it is paid or refunded
  invalid_argument       the id is not a UUID

Locks
  the order, customer_units, stock_stripes

Example
  mysql> CALL cancel_pending_order(''01a21c20-2b40-774a-9f04-b08ae378760d'')\\G
  *************************** 1. row ***************************
       order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
        hold_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     product_id: 1
            qty: 2
    customer_id: alice
      reference: NULL
       metadata: NULL
         status: cancelled
     unit_price: 12900
         amount: 25800
       currency: EUR
       refunded: 0
     refund_due: 0
        dispute: NULL
     created_at: 2026-11-27 08:30:00.000000
         pay_by: 2026-11-27 08:45:00.000000
      pay_in_ms: NULL
        paid_at: NULL
   fulfilled_at: NULL
      closed_at: 2026-11-27 08:31:00.000000
   cancelled_as: withdrawn
  closed_reason: cancelled by the buyer
       replayed: 0
  mysql> CALL cancel_pending_order(''8'');
  ERROR 31301 (45422): invalid_argument: order_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_status VARCHAR(10);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('order_id', in_order_id);
    SET v_order_id = UUID_TO_BIN(in_order_id);

    START TRANSACTION;
    CALL _lock_order(v_order_id);
    SELECT status INTO v_status FROM orders WHERE order_id = v_order_id;
    IF v_status = 'pending' THEN
      CALL _cancel_live_order(v_order_id, 'withdrawn', 'cancelled by the buyer', TRUE);
    ELSEIF v_status <> 'cancelled' THEN
      CALL _raise('order_not_cancellable', CONCAT('the order is ', v_status, '; ask the shop for a refund'), NULL);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_order(v_order_id, v_status = 'cancelled');
  COMMIT;
END $$

DELIMITER ;
