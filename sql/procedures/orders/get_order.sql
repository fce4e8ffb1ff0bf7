DELIMITER $$

DROP PROCEDURE IF EXISTS get_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE get_order (
  IN in_order_id LONGTEXT
)
COMMENT '
Description
  Returns an order and where its payment stands.

Parameters
  in_order_id TEXT  the id of the order, which is the id of its hold

Result set
  order_id, hold_id, product_id, qty, customer_id, status (pending, paid, cancelled, refund_due, refunded), unit_price and
  amount (minor units), currency, refunded (so far), created_at, pay_by, paid_at, closed_at, closed_reason, replayed (always 0)

Errors
  order_not_found   no order has this id
  invalid_argument  the id is not a UUID

Locks
  none

Example
  mysql> CALL get_order(''01a20319-2bbd-791d-84b2-71a78f2dfc9f'')\\G
  *************************** 1. row ***************************
       order_id: 01a20319-2bbd-791d-84b2-71a78f2dfc9f
        hold_id: 01a20319-2bbd-791d-84b2-71a78f2dfc9f
     product_id: 1
            qty: 2
    customer_id: alice
         status: pending
     unit_price: 12900
         amount: 25800
       currency: EUR
       refunded: 0
     created_at: 2026-11-22 11:51:51.115421
         pay_by: 2026-11-22 12:06:51.115421
        paid_at: NULL
      closed_at: NULL
  closed_reason: NULL
       replayed: 0
  mysql> CALL get_order(''8'');
  ERROR 31301 (45422): invalid_argument: order_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_known BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('order_id', in_order_id);
    SELECT EXISTS (SELECT 1 FROM orders WHERE order_id = UUID_TO_BIN(in_order_id)) INTO v_known;
    IF NOT v_known THEN
      CALL _raise('order_not_found', 'no order has this id; create_order makes one from a live hold');
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_order(UUID_TO_BIN(in_order_id), FALSE);
  COMMIT;
END $$

DELIMITER ;
