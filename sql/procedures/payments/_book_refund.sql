DELIMITER $$

DROP PROCEDURE IF EXISTS _book_refund $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _book_refund (
  IN in_payment_id VARCHAR(255),
  IN in_status VARCHAR(15),
  IN in_amount BIGINT
)
COMMENT '
Description
  Books what a refund event told, in the transaction of its caller, who has locked the payment. What went back follows from the
  greatest amount that was ever told, how often just that was told, and the refunds that failed: when it was told more often than
  refunds failed, the last try succeeded.

Parameters
  in_status VARCHAR  refunded (in_amount is all that went back so far) or refund_failed (in_amount is of that refund)
  in_amount BIGINT   minor units; NULL: everything

Locks
  none beyond the payment
'
BEGIN
  DECLARE v_amount, v_told, v_told_before, v_failed BIGINT;
  DECLARE v_recorded BOOLEAN;

  SELECT LEAST(COALESCE(in_amount, 9223372036854775807), COALESCE(amount_minor, 9223372036854775807)), refund_told_minor,
         refund_failed_minor, refund_recorded_at IS NOT NULL
    INTO v_amount, v_told_before, v_failed, v_recorded
    FROM payments
   WHERE payment_id = in_payment_id;

  IF v_amount > 0 AND in_status = 'refund_failed' THEN
    UPDATE payments
       SET refund_failed_minor = LEAST(v_failed, 9223372036854775807 - v_amount) + v_amount,
           refunds_failed = refunds_failed + 1
     WHERE payment_id = in_payment_id;
  ELSEIF v_amount > 0 AND v_amount >= v_told_before THEN
    -- The first event of a refund that an operator recorded tells nothing new.
    UPDATE payments
       SET refunds_told = CASE WHEN v_amount > v_told_before THEN 1 WHEN v_recorded THEN refunds_told ELSE refunds_told + 1 END,
           refund_told_minor = v_amount,
           refund_recorded_at = NULL
     WHERE payment_id = in_payment_id;
  END IF;
END $$

DELIMITER ;
