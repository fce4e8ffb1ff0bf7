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
  next what becomes of it. Refunds that were told of before count from now on, if they are of its currency; everything becomes the
  amount. That it failed counts no longer.

Parameters
  in_key       VARCHAR  the event that told of the money
  in_amount    BIGINT   minor units; NULL: nobody knows
  in_currency  CHAR(3)  NULL: nobody knows

Locks
  the webhooks of the payment
'
BEGIN
  DECLARE v_everything BIGINT DEFAULT 9223372036854775807;
  DECLARE v_told, v_failed BIGINT;
  DECLARE v_tellings, v_failures INT;

  UPDATE payment_webhooks FORCE INDEX (ix_payment_webhooks_payment_id)
     SET outcome = CASE WHEN payment_status = 'failed' THEN 'ignored'
                        WHEN COALESCE(currency = in_currency, TRUE) THEN 'applied'
                        ELSE 'amount_mismatch' END,
         reason = CASE WHEN payment_status = 'failed' THEN 'the payment was received'
                       WHEN COALESCE(currency = in_currency, TRUE) THEN NULL
                       ELSE CONCAT('the payment is in ', in_currency) END,
         settled_at = UTC_TIMESTAMP(6)
   WHERE payment_id = in_payment_id
     AND ((payment_status = 'failed' AND outcome = 'parked')
          OR (payment_status IN ('refunded', 'refund_failed') AND COALESCE(amount_minor > 0, TRUE)));

  -- Told again in the light of the amount: more than came in, or no amount at all, is all of it.
  SELECT MAX(IF(payment_status = 'refunded', LEAST(COALESCE(amount_minor, v_everything), COALESCE(in_amount, v_everything)), 0)),
         COALESCE(SUM(payment_status = 'refund_failed'), 0),
         LEAST(COALESCE(SUM(IF(payment_status = 'refund_failed',
                               CAST(LEAST(COALESCE(amount_minor, v_everything), COALESCE(in_amount, v_everything)) AS DECIMAL(30)), 0)), 0),
               v_everything)
    INTO v_told, v_failures, v_failed
    FROM payment_webhooks
   WHERE payment_id = in_payment_id AND payment_status IN ('refunded', 'refund_failed') AND outcome = 'applied';
  SELECT COUNT(*)
    INTO v_tellings
    FROM payment_webhooks
   WHERE payment_id = in_payment_id AND payment_status = 'refunded' AND outcome = 'applied'
     AND LEAST(COALESCE(amount_minor, v_everything), COALESCE(in_amount, v_everything)) = v_told;

  UPDATE payments
     SET state = 'waiting',
         amount_minor = in_amount,
         currency = in_currency,
         received_by = in_key,
         received_at = COALESCE(received_at, UTC_TIMESTAMP(6)),
         decided_at = UTC_TIMESTAMP(6),
         reason = NULL,
         refund_told_minor = COALESCE(v_told, 0),
         refunds_told = IF(v_told > 0, v_tellings, 0),
         refund_failed_minor = v_failed,
         refunds_failed = IF(v_failed > 0, v_failures, 0)
   WHERE payment_id = in_payment_id;
END $$

DELIMITER ;
