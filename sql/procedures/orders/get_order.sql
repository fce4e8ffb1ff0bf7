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
  order_id, hold_id, product_id, qty, customer_id, reference, metadata, status (pending, paid, cancelled, refunded), unit_price and
  amount (minor units), currency, refunded (what went back of the payment that pays or paid it), refund_due (what has to go back, of all its
  payments), dispute (opened, won, lost; NULL: none), created_at, pay_by, pay_in_ms (by this server''s clock; NULL unless pending),
  paid_at, fulfilled_at, closed_at, cancelled_as (lapsed: a late payment may still take its units back; withdrawn: final; NULL),
  closed_reason, replayed (always 0)

Errors
  order_not_found   no order has this id
  invalid_argument  the id is not a UUID

Locks
  none

Example
  mysql> CALL get_order(''01a21c20-2b40-774a-9f04-b08ae378760d'')\\G
  *************************** 1. row ***************************
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
      pay_in_ms: 869305
        paid_at: NULL
   fulfilled_at: NULL
      closed_at: NULL
   cancelled_as: NULL
  closed_reason: NULL
       replayed: 0
  mysql> CALL get_order(''8'');
  ERROR 31301 (45422): invalid_argument: order_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_known BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('order_id', in_order_id);
    SELECT EXISTS (SELECT 1 FROM orders WHERE order_id = UUID_TO_BIN(in_order_id)) INTO v_known;
    IF NOT v_known THEN
      CALL _raise('order_not_found', 'no order has this id; create_order makes one from a live hold', NULL);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_order(UUID_TO_BIN(in_order_id), FALSE);
  COMMIT;
END $$

DELIMITER ;
