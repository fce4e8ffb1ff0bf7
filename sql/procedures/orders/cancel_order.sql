DELIMITER $$

DROP PROCEDURE IF EXISTS cancel_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE cancel_order (
  IN in_order_id LONGTEXT,
  IN in_reason LONGTEXT
)
COMMENT '
Description
  Cancels an order that is not paid; its units return to sale at once. A payment that comes all the same is late: it takes the
  units back if the sale still has them, and is due for a refund otherwise.

Parameters
  in_order_id TEXT  the id of the order, which is the id of its hold
  in_reason   TEXT  1 to 255 characters, kept with the order and, with your account, in stock_ledger

Result set
  the order, as get_order returns it; replayed is 1 for an order that was cancelled already

Errors
  order_not_found        no order has this id
  order_not_cancellable  it is paid, refunded or due for a refund: a paid order ends by a refund at the payment provider
  invalid_argument       the id is not a UUID, or the reason is NULL, empty or too long

Locks
  the order, customer_units, stock_stripes

Example
  mysql> CALL cancel_order(''01a21c20-2b40-774a-9f04-b08ae378760d'', ''customer called'')\\G
  *************************** 1. row ***************************
       order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
        hold_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     product_id: 1
            qty: 2
    customer_id: alice
         status: cancelled
     unit_price: 12900
         amount: 25800
       currency: EUR
       refunded: 0
     created_at: 2026-11-27 08:30:00.000000
         pay_by: 2026-11-27 08:45:00.000000
        paid_at: NULL
      closed_at: 2026-11-27 08:30:00.000000
  closed_reason: customer called
       replayed: 0
  mysql> CALL cancel_order(''8'', ''customer called'');
  ERROR 31301 (45422): invalid_argument: order_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_status VARCHAR(10);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('order_id', in_order_id);
    CALL _require_text('reason', in_reason, 255);
    SET v_order_id = UUID_TO_BIN(in_order_id);

    START TRANSACTION;
    SELECT product_id, status
      INTO v_product_id, v_status
      FROM orders
     WHERE order_id = v_order_id
       FOR UPDATE;
    IF v_status IS NULL THEN
      CALL _raise('order_not_found', 'no order has this id; create_order makes one from a live hold');
    ELSEIF v_status NOT IN ('pending', 'cancelled') THEN
      CALL _raise('order_not_cancellable', CONCAT('the order is ', v_status, '; a paid order ends by a refund at the payment provider'));
    ELSEIF v_status = 'pending' THEN
      CALL _close_orders(v_product_id, JSON_ARRAY(in_order_id), 'cancelled', in_reason);
      CALL _record_action('cancel_order', v_product_id, v_order_id, NULL, in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_order(v_order_id, v_status = 'cancelled');
  COMMIT;
END $$

DELIMITER ;
