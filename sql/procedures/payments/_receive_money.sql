DELIMITER $$

DROP PROCEDURE IF EXISTS _receive_money $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _receive_money (
  IN in_payment_id VARCHAR(255),
  IN in_key VARCHAR(255),
  IN in_amount BIGINT,
  IN in_currency CHAR(3)
)
COMMENT '
Description
  The money of a payment came in, or its amount is corrected, in the transaction of its caller, who has locked the payment and decides
  next what becomes of it. Refunds that were told of before count from now on; everything becomes the amount.

Parameters
  in_key       VARCHAR  the event that told of the money
  in_amount    BIGINT   minor units; NULL: nobody knows
  in_currency  CHAR(3)  NULL: nobody knows

Locks
  the webhooks of the payment
'
BEGIN
  DECLARE v_told BIGINT;
  DECLARE v_tellings INT;

  -- Told again in the light of the amount: more than came in, or no amount at all, is all of it.
  SELECT MAX(LEAST(COALESCE(amount_minor, 9223372036854775807), COALESCE(in_amount, 9223372036854775807)))
    INTO v_told
    FROM payment_webhooks
   WHERE payment_id = in_payment_id AND payment_status = 'refunded' AND outcome <> 'amount_mismatch';
  SELECT SUM(LEAST(COALESCE(amount_minor, 9223372036854775807), COALESCE(in_amount, 9223372036854775807)) = v_told)
    INTO v_tellings
    FROM payment_webhooks
   WHERE payment_id = in_payment_id AND payment_status = 'refunded' AND outcome <> 'amount_mismatch';

  UPDATE payments
     SET state = 'waiting',
         amount_minor = in_amount,
         currency = in_currency,
         received_by = in_key,
         received_at = COALESCE(received_at, UTC_TIMESTAMP(6)),
         decided_at = UTC_TIMESTAMP(6),
         reason = NULL,
         refund_told_minor = IF(v_told > 0, v_told, 0),
         refunds_told = IF(v_told > 0, v_tellings, 0)
   WHERE payment_id = in_payment_id;

  UPDATE payment_webhooks
     SET outcome = 'applied',
         reason = NULL,
         settled_at = UTC_TIMESTAMP(6)
   WHERE payment_id = in_payment_id AND payment_status IN ('refunded', 'refund_failed') AND outcome IN ('parked', 'ignored')
     AND COALESCE(amount_minor > 0, TRUE);
END $$

DELIMITER ;
