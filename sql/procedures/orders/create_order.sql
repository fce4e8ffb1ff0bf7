DELIMITER $$

DROP PROCEDURE IF EXISTS create_order $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE create_order (
  IN in_hold_id LONGTEXT,
  IN in_idempotency_key LONGTEXT,
  IN in_reference LONGTEXT,
  IN in_metadata LONGTEXT
)
COMMENT '
Description
  Makes the order of a live hold, at the price that the hold saw; payment is due within the product''s payment_seconds, and
  payments that arrived before the order are applied with it. At a price of 0 the order is born paid.

Parameters
  in_hold_id         TEXT  as create_hold returned it; the order gets the same id
  in_idempotency_key TEXT  1 to 272 characters, compared byte by byte; a repeat returns the order; NULL: no protection
  in_reference       TEXT  the shop''s own number of the order, by which list_orders finds it: 1 to 64 characters, compared byte by
                           byte; no two orders have the same; NULL: none
  in_metadata        TEXT  what the shop notes about it: a JSON object of 2,048 bytes at most, no text for people; NULL: nothing

Result set
  order_id, hold_id, product_id, qty, customer_id, reference, metadata, status (pending, paid, cancelled, refunded), unit_price and
  amount (minor units), currency, refunded (what went back of the payment that pays or paid it), refund_due (what has to go back, of all its
  payments), dispute (opened, won, lost; NULL: none), created_at, pay_by, pay_in_ms (by this server''s clock; NULL unless pending),
  paid_at, fulfilled_at, closed_at, cancelled_as (lapsed: a late payment may still take its units back; withdrawn: final; NULL),
  closed_reason, replayed (1 for a repeat). @order_id is set besides

Errors
  hold_not_found          no hold has this id
  hold_expired            its time ran out, swept or not
  hold_released           it was given back, or the sale was stopped
  reference_taken         another order has this reference
  hold_already_used       it became an order under another key, or the sweep made the order because the hold was paid
  idempotency_key_reused  the key made an order from another hold, or with another reference or metadata
  invalid_argument        the id is not a UUID, a text is empty or too long, or metadata is no small JSON object

Locks
  the product (shared), the hold, the order, the payments of the order and their webhooks; what they do to it: see
  receive_payment_webhook

Example
  mysql> CALL create_order(''01a21c20-2b40-774a-9f04-b08ae378760d'', ''order-81'', ''shop-4711'', ''{"cart": 81}'')\\G
  *************************** 1. row ***************************
       order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
        hold_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     product_id: 1
            qty: 2
    customer_id: alice
      reference: shop-4711
       metadata: {"cart": 81}
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
  mysql> CALL create_order(''01a21c20-2b40-774a-9f04-b08ae378760d'', ''order-82'', NULL, NULL);
  ERROR 31102 (45409): hold_already_used: the hold became the order of the same id; get_order shows it
'
BEGIN
  DECLARE v_hold_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_expires_at DATETIME(6);
  DECLARE v_metadata JSON;
  DECLARE v_live BOOLEAN;
  DECLARE v_replayed BOOLEAN DEFAULT FALSE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('hold_id', in_hold_id);
    CALL _require_text('idempotency_key', COALESCE(in_idempotency_key, '-'), 272);
    CALL _require_text('reference', COALESCE(in_reference, '-'), 64);
    CALL _require_object('metadata', in_metadata, 2048, v_metadata);
    SET v_hold_id = UUID_TO_BIN(in_hold_id);

    BEGIN
      DECLARE EXIT HANDLER FOR 1062
      BEGIN
        -- The key has made an order before: this very one, or another, which is refused. Or the reference has.
        ROLLBACK;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _find_order_by_key(in_idempotency_key, v_hold_id, in_reference, v_metadata, v_replayed);
        IF NOT v_replayed THEN
          CALL _raise('reference_taken', 'another order has this reference; list_orders finds it by that', NULL);
        END IF;
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
      SET v_live = v_expires_at > UTC_TIMESTAMP(6);
      IF NOT v_live THEN
        -- Unless the sale was paused before that.
        SELECT v_expires_at > clock INTO v_live FROM product_clocks WHERE product_id = v_product_id;
      END IF;
      IF v_live IS NOT TRUE THEN
        CALL _find_order_by_key(in_idempotency_key, v_hold_id, in_reference, v_metadata, v_replayed);
        IF NOT v_replayed THEN
          CALL _refuse_ended_hold(v_hold_id, TRUE);
        END IF;
      ELSE
        CALL _make_order(v_hold_id, in_idempotency_key, in_reference, v_metadata);
      END IF;
      COMMIT;
    END;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SET @order_id = BIN_TO_UUID(v_hold_id);
  CALL _select_order(v_hold_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
