DELIMITER $$

DROP PROCEDURE IF EXISTS record_refund $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE record_refund (
  IN in_order_id LONGTEXT,
  IN in_reason LONGTEXT
)
COMMENT '
Description
  Writes down that the money of an order that was due for a refund has gone back: the order becomes refunded, its payments leave
  list_refunds_due. Also for payments without an order. Nothing is sent to the payment provider.

Parameters
  in_order_id TEXT  as list_refunds_due names it
  in_reason   TEXT  1 to 255 characters, such as the provider''s id of the refund; kept with your account in stock_ledger

Result set
  order_id, order_status (NULL: no order), payments (how many were cleared now), replayed (1: it was refunded already)

Errors
  order_not_found   nothing was ever paid or ordered under this id
  refund_not_due    there is nothing to be refunded; a paid order ends by a refund at the payment provider
  invalid_argument  the id is not a UUID, or the reason is NULL, empty or too long

Locks
  the order, or the ended hold; its webhooks

Example
  mysql> CALL record_refund(''01a21c44-ca40-71fa-a3db-4dc50ba332a8'', ''re_77'')\\G
  *************************** 1. row ***************************
      order_id: 01a21c44-ca40-71fa-a3db-4dc50ba332a8
  order_status: NULL
      payments: 1
      replayed: 0
  mysql> CALL record_refund(''8'', ''re_77'');
  ERROR 31301 (45422): invalid_argument: order_id must be a UUID of 36 characters, as create_hold returned it
'
BEGIN
  DECLARE v_order_id, v_ended_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_status VARCHAR(10);
  DECLARE v_unknown, v_known, v_refunded BOOLEAN;
  DECLARE v_payments INT;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_uuid('order_id', in_order_id);
    CALL _require_text('reason', in_reason, 255);
    SET v_order_id = UUID_TO_BIN(in_order_id);

    START TRANSACTION;
    SELECT product_id, status INTO v_product_id, v_status FROM orders WHERE order_id = v_order_id FOR UPDATE;
    IF v_status IS NULL THEN
      SELECT hold_id, product_id INTO v_ended_id, v_product_id FROM hold_history WHERE hold_id = v_order_id FOR UPDATE;
      IF v_ended_id IS NOT NULL THEN
        CALL _apply_orphaned_payments(v_order_id);
      END IF;
    END IF;
    -- Of an id that nobody knows the money is due as soon as somebody says that it went back.
    SELECT COUNT(*) = 0 AND v_status IS NULL AND v_ended_id IS NULL INTO v_unknown FROM holds WHERE hold_id = v_order_id;
    IF v_unknown THEN
      UPDATE payment_webhooks
         SET outcome = IF(payment_status = 'succeeded', 'refund_due', 'ignored'), settled_at = UTC_TIMESTAMP(6)
       WHERE order_id = v_order_id AND outcome = 'parked';
    END IF;
    CALL _settle_due_payments(v_order_id, in_reason);
    SET v_payments = ROW_COUNT();
    IF v_payments > 0 THEN
      UPDATE orders
         SET status = 'refunded', refunded_minor = amount_minor, closed_at = UTC_TIMESTAMP(6), closed_reason = in_reason
       WHERE order_id = v_order_id AND status = 'refund_due';
      CALL _record_action('record_refund', v_product_id, v_order_id, CONCAT('payments: ', v_payments), in_reason);
    ELSE
      SELECT COUNT(*), COALESCE(SUM(outcome = 'refunded'), 0)
        INTO v_known, v_refunded
        FROM payment_webhooks
       WHERE order_id = v_order_id;
      IF v_status IS NULL AND NOT v_known THEN
        CALL _raise('order_not_found', 'nothing was ever paid or ordered under this id; list_refunds_due lists what is due');
      ELSEIF NOT v_refunded THEN
        CALL _raise('refund_not_due', 'nothing is to be refunded; a paid order ends by a refund at the payment provider');
      END IF;
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT in_order_id AS order_id, (SELECT status FROM orders WHERE order_id = v_order_id) AS order_status,
         v_payments AS payments, v_payments = 0 AS replayed;
  COMMIT;
END $$

DELIMITER ;
