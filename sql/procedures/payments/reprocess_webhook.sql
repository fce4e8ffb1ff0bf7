DELIMITER $$

DROP PROCEDURE IF EXISTS reprocess_webhook $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE reprocess_webhook (
  IN in_webhook_id BIGINT
)
COMMENT '
Description
  Decides a payment event anew, where payment_rules would now say otherwise: a payment that came when the units of its cancelled
  order were sold, and they are free again; one that is parked though its hold has ended or its order exists.

Parameters
  in_webhook_id BIGINT  as list_webhooks names it

Result set
  the event, as receive_payment_webhook returns it; replayed is 1 when it was reprocessed before: nothing changed

Errors
  webhook_not_found  no event has this id
  webhook_settled    the rules say the same again, so there is nothing to do
  invalid_argument   the id is NULL or out of bounds

Locks
  those of receive_payment_webhook

Example
  mysql> CALL reprocess_webhook(1)\\G
  *************************** 1. row ***************************
       webhook_id: 1
  idempotency_key: evt_9
         order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
   payment_status: succeeded
          outcome: applied
           reason: NULL
     order_status: paid
       deliveries: 1
         replayed: 0
  mysql> CALL reprocess_webhook(0);
  ERROR 31301 (45422): invalid_argument: webhook_id must be a whole number from 1 to 9223372036854775807
'
BEGIN
  DECLARE v_key VARCHAR(255);
  DECLARE v_order_id, v_found_id, v_ended_id BINARY(16);
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_before, v_after VARCHAR(15);
  DECLARE v_reason VARCHAR(255);
  DECLARE v_status VARCHAR(10);
  DECLARE v_reprocessed BOOLEAN;
  DECLARE v_reclaiming BOOLEAN DEFAULT TRUE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('webhook_id', in_webhook_id, 1, 9223372036854775807);
    SELECT idempotency_key, order_id INTO v_key, v_order_id FROM payment_webhooks WHERE webhook_id = in_webhook_id;
    COMMIT;
    IF v_key IS NULL THEN
      CALL _raise('webhook_not_found', 'no event has this id; list_webhooks lists them');
    END IF;

    WHILE v_reclaiming DO
      SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
      START TRANSACTION;
      CALL _reclaim_for_late_payment(v_order_id, v_reclaiming);
      COMMIT;
    END WHILE;

    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    SELECT order_id, product_id INTO v_found_id, v_product_id FROM orders WHERE order_id = v_order_id FOR UPDATE;
    IF v_found_id IS NULL THEN
      SELECT hold_id, product_id INTO v_ended_id, v_product_id FROM hold_history WHERE hold_id = v_order_id FOR UPDATE;
    END IF;
    SELECT outcome, reprocessed_at IS NOT NULL
      INTO v_before, v_reprocessed
      FROM payment_webhooks
     WHERE webhook_id = in_webhook_id
       FOR UPDATE;
    IF v_ended_id IS NOT NULL THEN
      CALL _apply_orphaned_payments(v_order_id);
    ELSEIF v_found_id IS NOT NULL AND v_before NOT IN ('applied', 'refunded') THEN
      CALL _apply_payment(in_webhook_id, v_after, v_reason, v_status);
      CALL _apply_waiting_payments(v_order_id);
    END IF;
    SELECT outcome INTO v_after FROM payment_webhooks WHERE webhook_id = in_webhook_id FOR UPDATE;
    IF v_after <> v_before THEN
      UPDATE payment_webhooks SET reprocessed_at = UTC_TIMESTAMP(6) WHERE webhook_id = in_webhook_id;
      CALL _record_action('reprocess_webhook', v_product_id, v_order_id, CONCAT(v_before, ' became ', v_after), v_key);
    ELSEIF v_reprocessed IS NOT TRUE THEN
      CALL _raise('webhook_settled', CONCAT('the event is ', v_after, ', and payment_rules say so again'));
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_webhook(v_key, v_reprocessed);
  COMMIT;
END $$

DELIMITER ;
