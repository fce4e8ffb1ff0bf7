DELIMITER $$

DROP PROCEDURE IF EXISTS cancel_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE cancel_order (
  IN in_order_id LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Cancels an order for good; its units return to sale at once. A payment that still comes does not bring it back: it is due.
  It also cancels an order that lapsed, so that a late payment takes nothing back, and an order at a price
  of 0 that was not handed over.

Parameters
  in_order_id        TEXT  the id of the order, which is the id of its hold
  in_reason          TEXT  1 to 255 characters, kept with the order and, with your account, in stock_ledger
  in_idempotency_key TEXT  1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the order, as get_order returns it; replayed is 1 for an order that was withdrawn already: nothing changed, its reason stays

Errors
  order_not_found         no order has this id
  order_not_cancellable   it is paid or refunded: a paid order ends by a refund at the payment provider; or its units were handed over
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        the id is not a UUID, or the reason is NULL, empty or too long

Locks
  the product (shared), the order, customer_units, stock_stripes

Example
  mysql> CALL cancel_order(''01a21c20-2b40-774a-9f04-b08ae378760d'', ''fraud'', NULL)\\G
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
  closed_reason: fraud
       replayed: 0
  mysql> CALL cancel_order(''8'', ''fraud'', NULL);
  ERROR 31301 (45422): invalid_argument: order_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_status, v_cancelled_as VARCHAR(10);
  DECLARE v_free, v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('order_id', in_order_id);
    CALL _require_text('reason', in_reason, 255);
    SET v_order_id = UUID_TO_BIN(in_order_id);

    START TRANSACTION;
    -- The product first, for the row of operator_actions refers to it; an order never changes its product.
    SELECT product_id INTO v_product_id FROM orders WHERE order_id = v_order_id;
    DO (SELECT product_id FROM products WHERE product_id = v_product_id FOR SHARE);
    -- An order that was made since then is not found, for its product is not locked and not known.
    SELECT status, cancelled_as, amount_minor = 0 AND fulfilled_at IS NULL
      INTO v_status, v_cancelled_as, v_free
      FROM orders
     WHERE order_id = v_order_id AND product_id = v_product_id
       FOR UPDATE;
    IF v_status IS NULL THEN
      CALL _raise('order_not_found', 'no order has this id; create_order makes one from a live hold', NULL);
    END IF;
    CALL _use_key(in_idempotency_key, 'cancel_order', JSON_ARRAY(in_order_id, in_reason), v_replayed);
    SET v_replayed = v_replayed OR v_cancelled_as <=> 'withdrawn';
    IF v_status = 'pending' OR (v_status = 'paid' AND v_free) THEN
      CALL _cancel_live_order(v_order_id, 'withdrawn', in_reason, FALSE);
    ELSEIF v_cancelled_as = 'lapsed' THEN
      CALL _close_orders(JSON_ARRAY(in_order_id), 'cancelled', 'withdrawn', in_reason);
    ELSEIF v_status <> 'cancelled' THEN
      CALL _raise('order_not_cancellable', CONCAT('the order is ', v_status, '; a paid order ends by a refund at the payment provider'), NULL);
    END IF;
    IF NOT v_replayed THEN
      CALL _record_action('cancel_order', v_product_id, v_order_id, NULL, NULL, in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_order(v_order_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
