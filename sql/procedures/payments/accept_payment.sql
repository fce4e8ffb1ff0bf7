DELIMITER $$

DROP PROCEDURE IF EXISTS accept_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE accept_payment (
  IN in_payment_id LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Takes another amount as payment of an order: what was paid becomes the price of the order, and it is paid. The order waits
  for its payment, or has lapsed and its units are still free. It is refused for an order that was withdrawn, is paid by another
  payment, or whose sale was stopped.

Parameters
  in_payment_id      TEXT  as list_refunds_due names it
  in_reason          TEXT  1 to 255 characters, kept with your account in stock_ledger
  in_idempotency_key TEXT  1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the order, as get_order returns it; replayed is 1 when the payment pays it already: nothing changed

Errors
  payment_not_found       no payment has this id
  payment_not_acceptable  it is not due, or of another currency, or something of it went back, or its order can''t be paid any more
  sold_out                the units of the lapsed order were sold, or its customer has others
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is NULL, empty or too long

Locks
  the product (shared), the order, the payment and its webhooks, customer_units, stock_stripes

Example
  mysql> CALL accept_payment(''pi_7'', ''the rest was paid in cash'', NULL)\\G
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
         amount: 20000
       currency: EUR
       refunded: 0
     refund_due: 0
        dispute: NULL
     created_at: 2026-11-27 08:30:00.000000
         pay_by: 2026-11-27 08:45:00.000000
      pay_in_ms: NULL
        paid_at: 2026-11-27 08:31:00.000000
   fulfilled_at: NULL
      closed_at: NULL
   cancelled_as: NULL
  closed_reason: NULL
       replayed: 0
  mysql> CALL accept_payment(''pi_7'', '''', NULL);
  ERROR 31301 (45422): invalid_argument: reason must be a text of 1 to 255 characters
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_state, v_order_state VARCHAR(10);
  DECLARE v_owed BIGINT;
  DECLARE v_currency CHAR(3);
  DECLARE v_good, v_taken, v_again, v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_text('payment_id', in_payment_id, 255);
    CALL _require_text('reason', in_reason, 255);

    WHILE v_state IS NULL DO
      SELECT order_id INTO v_order_id FROM payments WHERE payment_id = in_payment_id;
      SET v_again = TRUE;
      WHILE v_again DO
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        START TRANSACTION;
        CALL _reclaim_for_order(v_order_id, v_product_id, v_again);
      END WHILE;
      COMMIT;
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      CALL _lock_payment(in_payment_id, v_product_id, v_order_id, v_state);
    END WHILE;
    CALL _use_key(in_idempotency_key, 'accept_payment', JSON_ARRAY(in_payment_id, in_reason), v_replayed);
    SET v_replayed = v_replayed OR v_state = 'paying';
    IF NOT v_replayed THEN
      CALL _read_purchase(v_order_id, v_order_state, v_owed, v_currency);
      SELECT state = 'due' AND amount_minor > 0 AND currency = v_currency AND refund_told_minor = 0
             AND v_order_state IN ('pending', 'overdue', 'lapsed')
        INTO v_good
        FROM payments
       WHERE payment_id = in_payment_id;
      IF v_good IS NOT TRUE THEN
        CALL _raise('payment_not_acceptable', CONCAT('the payment is ', v_state, ', its order ', v_order_state, '; or it is of another currency, or went back'), NULL);
      END IF;
      SET v_taken = TRUE;
      IF v_order_state = 'lapsed' THEN
        CALL _retake_units(v_order_id, v_taken);
      END IF;
      IF NOT v_taken THEN
        CALL _raise('sold_out', 'the units of this order were sold meanwhile, or its customer has others; refund the payment', NULL);
      END IF;
      UPDATE orders
         SET amount_minor = (SELECT amount_minor FROM payments WHERE payment_id = in_payment_id),
             accepted_at = UTC_TIMESTAMP(6)
       WHERE order_id = v_order_id;
      CALL _pay_order(in_payment_id, v_order_id);
      CALL _record_action('accept_payment', v_product_id, v_order_id, in_payment_id, CONCAT('the order was for ', v_owed, ' ', v_currency), in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_order(v_order_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
