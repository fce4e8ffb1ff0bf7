DELIMITER $$

DROP PROCEDURE IF EXISTS _book_event $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _book_event (
  IN in_payment_id VARCHAR(255),
  IN in_order_id BINARY(16),
  IN in_unnamed BOOLEAN,
  IN in_key VARCHAR(255),
  IN in_status VARCHAR(15),
  IN in_amount BIGINT,
  IN in_currency CHAR(3),
  OUT out_outcome VARCHAR(15),
  OUT out_reason VARCHAR(255),
  OUT out_decide BOOLEAN
)
COMMENT '
Description
  Writes what one event says into its payment, in the transaction of its caller, who has locked the purchase and the payment and
  has made its row. The facts of a payment are merged so that the order in which events come makes no difference: see
  the table payments. What becomes of the payment and of the order is not decided here.

Parameters
  in_unnamed              BOOLEAN  the event names no payment: the order''s own id stands for it
  out_outcome, out_reason          what is to be kept with the event
  out_decide              BOOLEAN  money came in, or was corrected, or never will: _decide_payment comes next

Locks
  none beyond the payment
'
BEGIN
  DECLARE v_state, v_purchase VARCHAR(10);
  DECLARE v_received, v_fits, v_owed_before, v_owes, v_went, v_tells_news BOOLEAN;
  DECLARE v_amount, v_owed, v_told, v_refunded BIGINT;
  DECLARE v_currency, v_owed_currency CHAR(3);
  DECLARE v_dispute VARCHAR(6);

  SELECT state, received_at IS NOT NULL, amount_minor, currency, refund_told_minor, refunded_minor, refunds_told > refunds_failed, dispute,
         follow_up <=> 'refund'
    INTO v_state, v_received, v_amount, v_currency, v_told, v_refunded, v_went, v_dispute, v_owed_before
    FROM payments
   WHERE payment_id = in_payment_id;
  CALL _read_purchase(in_order_id, v_purchase, v_owed, v_owed_currency);
  SET out_outcome = 'ignored', out_reason = NULL, out_decide = FALSE;

  CASE
    WHEN in_status = 'succeeded' THEN
      SET v_fits = COALESCE(v_amount = v_owed, TRUE) AND COALESCE(v_currency = v_owed_currency, TRUE),
          out_decide = NOT v_received OR (in_unnamed AND NOT v_fits AND v_state <> 'paying' AND v_told = 0
                                          AND (COALESCE(in_amount <> v_amount, FALSE) OR COALESCE(in_currency <> v_currency, FALSE)));
      IF out_decide THEN
        CALL _receive_money(in_payment_id, in_key, COALESCE(in_amount, v_owed), COALESCE(in_currency, v_owed_currency));
        SET out_outcome = 'parked';
      ELSEIF COALESCE(in_amount <> v_amount, FALSE) OR COALESCE(in_currency <> v_currency, FALSE) THEN
        SET out_outcome = 'amount_mismatch',
            out_reason = CONCAT_WS(' ', 'the payment was received already, of', v_amount, v_currency);
      ELSE
        SET out_reason = 'the payment was received already: this is the same one';
      END IF;

    WHEN in_status = 'failed' THEN
      SET out_decide = NOT v_received;
      IF out_decide THEN
        UPDATE payments SET state = 'failed', decided_at = UTC_TIMESTAMP(6) WHERE payment_id = in_payment_id;
        SET out_outcome = 'parked';
      ELSE
        SET out_reason = 'the payment was received';
      END IF;

    WHEN in_status IN ('refunded', 'refund_failed') AND in_amount = 0 THEN
      SET out_reason = 'nothing went back or came back yet';

    WHEN in_status IN ('refunded', 'refund_failed') AND COALESCE(in_currency <> COALESCE(v_currency, v_owed_currency), FALSE) THEN
      SET out_outcome = 'amount_mismatch',
          out_reason = CONCAT('the payment is in ', COALESCE(v_currency, v_owed_currency));

    WHEN in_status IN ('refunded', 'refund_failed') THEN
      CALL _book_refund(in_payment_id, in_status, in_amount);
      IF NOT v_received THEN
        SET out_outcome = IF(v_purchase IN ('unknown', 'held'), 'parked', 'ignored'),
            out_reason = IF(v_purchase IN ('unknown', 'held'), NULL, 'no money of this payment came in; applies when it does');
      ELSE
        -- Of an amount that nobody knows refunded_minor is 0, whether everything went back or its refund failed.
        SELECT refund_told_minor <> v_told OR refunded_minor <> v_refunded OR (refunds_told > refunds_failed) <> v_went
          INTO v_tells_news
          FROM payments
         WHERE payment_id = in_payment_id;
        SET out_outcome = IF(v_tells_news, 'applied', 'ignored'),
            out_reason = IF(v_tells_news, NULL, 'that was told before');
        -- A refund of a part failed. Of everything _settle_payment tells.
        SELECT state = 'paying' AND returning_minor < amount_minor AND NOT v_owed_before INTO v_owes FROM payments WHERE payment_id = in_payment_id;
        IF v_owes THEN
          CALL _notify_payment('payment.due', in_payment_id);
        END IF;
      END IF;

    WHEN in_status LIKE 'dispute%' THEN
      -- Once it is won or lost, the news that it was opened is old.
      SET in_status = SUBSTRING(in_status, 9);
      IF NOT (v_dispute <=> in_status OR (v_dispute IS NOT NULL AND in_status = 'opened')) THEN
        UPDATE payments SET dispute = in_status WHERE payment_id = in_payment_id;
        CALL _notify_payment('payment.disputed', in_payment_id);
        SET out_outcome = 'applied';
      ELSE
        SET out_reason = 'the dispute is known';
      END IF;

    ELSE
      SET out_reason = 'an attempt was declined; the buyer may pay in another way';
  END CASE;
END $$

DELIMITER ;
