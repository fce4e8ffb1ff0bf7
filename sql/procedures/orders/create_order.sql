DELIMITER $$

DROP PROCEDURE IF EXISTS create_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE create_order (
  IN in_hold_id LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Makes the order of a live hold: the price is fixed at this moment, payment is due within the product''s payment_seconds, and
  payments that arrived before the order are applied with it.

Parameters
  in_hold_id         TEXT  as create_hold returned it; the order gets the same id
  in_idempotency_key TEXT  1 to 255 characters, compared byte by byte; a repeat returns the order; NULL: no protection

Result set
  order_id, hold_id, product_id, qty, customer_id, status, unit_price and amount (minor units), currency, refunded (so far),
  created_at, pay_by,
  paid_at, closed_at, closed_reason, replayed (1 for a repeat)

Errors
  hold_not_found          no hold has this id
  hold_expired            its time ran out, swept or not
  hold_released           it was given back
  hold_already_used       it became an order under another key
  idempotency_key_reused  the key made an order from another hold
  invalid_argument        the id is not a UUID, or the key is empty or too long

Locks
  the product (shared), the hold, the order, the parked webhooks of the order; what they do to it: see receive_payment_webhook

Example
  mysql> CALL create_order(''01a20319-2bbd-791d-84b2-71a78f2dfc9f'', ''order-81'')\\G
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
  mysql> CALL create_order(''01a20319-2bbd-791d-84b2-71a78f2dfc9f'', ''order-82'');
  ERROR 31102 (45409): hold_already_used: the hold became the order of the same id; get_order shows it
'
BEGIN
  DECLARE v_hold_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_expires_at DATETIME(6);
  DECLARE v_replayed BOOLEAN DEFAULT FALSE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('hold_id', in_hold_id);
    CALL _require_text('idempotency_key', COALESCE(in_idempotency_key, '-'), 255);
    SET v_hold_id = UUID_TO_BIN(in_hold_id);

    BEGIN
      DECLARE EXIT HANDLER FOR 1062
      BEGIN
        -- The key has made an order before: of this hold, or of another, which is refused.
        ROLLBACK;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _find_order_by_key(in_idempotency_key, v_hold_id, v_replayed);
        COMMIT;
      END;

      START TRANSACTION;
      -- The order of locks is product, then hold; a hold never changes its product, so this read needs no lock.
      SELECT product_id
        INTO v_product_id
        FROM holds
       WHERE hold_id = v_hold_id;
      DO (SELECT product_id FROM products WHERE product_id = v_product_id FOR SHARE);
      SELECT expires_at
        INTO v_expires_at
        FROM holds
       WHERE hold_id = v_hold_id
         FOR UPDATE;

      -- The clock is read after the lock was waited for. No row gives NULL, which is no live hold either.
      IF (v_expires_at > UTC_TIMESTAMP(6)) IS NOT TRUE THEN
        CALL _find_order_by_key(in_idempotency_key, v_hold_id, v_replayed);
        IF NOT v_replayed THEN
          CALL _refuse_ended_hold(v_hold_id, TRUE);
        END IF;
      ELSE
        INSERT INTO orders (order_id, product_id, qty, customer_id, idempotency_key,
                            unit_price_minor, amount_minor, currency, status, created_at, pay_by)
        SELECT h.hold_id, h.product_id, h.qty, h.customer_id, in_idempotency_key,
               p.price_minor, p.price_minor * h.qty, p.currency, 'pending',
               UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL p.payment_seconds SECOND
          FROM holds AS h
          JOIN products AS p ON p.product_id = h.product_id
         WHERE h.hold_id = v_hold_id;
        CALL _end_holds(v_product_id, JSON_ARRAY(in_hold_id), 'ordered');
        CALL _apply_waiting_payments(v_hold_id);
      END IF;
      COMMIT;
    END;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_order(v_hold_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
