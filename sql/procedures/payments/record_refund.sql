DELIMITER $$

DROP PROCEDURE IF EXISTS record_refund $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE record_refund (
  IN in_payment_id LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Writes down that money that was due has gone back, so that it leaves list_refunds_due. Nothing is sent to the payment
  provider; when its event tells of the same refund, that changes nothing more.

Parameters
  in_payment_id      TEXT  as list_refunds_due names it
  in_reason          TEXT  1 to 255 characters, such as the provider''s id of the refund; kept with your account in stock_ledger
  in_idempotency_key TEXT  1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  payment_id, order_id (NULL: none that is known), order_status (NULL: no order), payment_state, amount (minor units, what was
  recorded now; NULL: nobody named an amount), currency, replayed (1: nothing was left to record)

Errors
  payment_not_found       no payment has this id
  refund_not_due          nothing of it is due: it pays its order, or waits for it, or nothing came in; a paid order ends by a refund at the
                          payment provider
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is NULL, empty or too long

Locks
  the order, or the hold; the payment

Example
  mysql> CALL record_refund(''pi_2'', ''re_77'', NULL)\\G
  *************************** 1. row ***************************
     payment_id: pi_2
       order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
   order_status: paid
  payment_state: settled
         amount: 25800
       currency: EUR
       replayed: 0
  mysql> CALL record_refund('''', ''re_77'', NULL);
  ERROR 31301 (45422): invalid_argument: payment_id must be a text of 1 to 255 characters
'
BEGIN
  DECLARE v_order_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_state VARCHAR(10);
  DECLARE v_due BIGINT;
  DECLARE v_replayed BOOLEAN;
  DECLARE v_owed BOOLEAN DEFAULT FALSE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_text('payment_id', in_payment_id, 255);
    CALL _require_text('reason', in_reason, 255);

    WHILE v_state IS NULL DO
      COMMIT;
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      CALL _lock_payment(in_payment_id, v_product_id, v_order_id, v_state);
    END WHILE;
    CALL _use_key(in_idempotency_key, 'record_refund', JSON_ARRAY(in_payment_id, in_reason), v_replayed);
    IF v_state = 'waiting' AND NOT v_replayed THEN
      -- Of an id that nobody knows the money is due as soon as somebody says that it went back.
      CALL _decide_payment(in_payment_id, TRUE);
      SELECT state INTO v_state FROM payments WHERE payment_id = in_payment_id;
    END IF;
    SELECT TRUE, amount_due INTO v_owed, v_due FROM money_owed WHERE payment_id = in_payment_id AND NOT v_replayed;
    IF v_owed THEN
      UPDATE payments
         SET refund_told_minor = IF(state = 'due', COALESCE(amount_minor, 9223372036854775807), refund_told_minor),
             refunds_told = refunds_failed + 1,
             refund_recorded_at = UTC_TIMESTAMP(6)
       WHERE payment_id = in_payment_id;
      CALL _settle_payment(in_payment_id);
      CALL _record_action('record_refund', v_product_id, v_order_id, in_payment_id, CONCAT('amount: ', COALESCE(v_due, 'not named')), in_reason);
    ELSEIF NOT v_replayed AND v_state <> 'settled' THEN
      CALL _raise('refund_not_due', CONCAT('the payment is ', v_state, '; a paid order ends by a refund at the payment provider'), NULL);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT w.payment_id, w.order_uuid AS order_id, o.status AS order_status, w.state AS payment_state, v_due AS amount, w.currency,
         NOT v_owed AS replayed
    FROM payments AS w
    LEFT JOIN orders AS o ON o.order_id = w.order_id
   WHERE w.payment_id = in_payment_id;
  COMMIT;
END $$

DELIMITER ;
