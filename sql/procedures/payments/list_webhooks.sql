DELIMITER $$

DROP PROCEDURE IF EXISTS list_webhooks $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_webhooks (
  IN in_outcome LONGTEXT,
  IN in_since DATETIME(6),
  IN in_limit BIGINT
)
COMMENT '
Description
  Lists what is in the inbox of payment events, newest first: each event, what it did and why, how often it came.

Parameters
  in_outcome TEXT         parked, applied, ignored, amount_mismatch, refund_due or refunded; NULL: any
  in_since   DATETIME(6)  UTC; first received at or after it; NULL: from the beginning
  in_limit   BIGINT       1 to 10,000 events; NULL: 100

Result set
  webhook_id, idempotency_key, order_id (NULL: it names none), payment_status, amount (minor units), currency, occurred_at,
  outcome, reason, order_status (NULL: no order), deliveries, first_received_at, last_received_at, settled_at,
  reprocessed_at, payload (the event as received)

Errors
  invalid_argument  a parameter is none of those

Locks
  none

Example
  mysql> CALL list_webhooks(''refund_due'', NULL, 10)\\G
  *************************** 1. row ***************************
         webhook_id: 1
    idempotency_key: evt_9
           order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     payment_status: succeeded
             amount: 25800
           currency: EUR
        occurred_at: NULL
            outcome: refund_due
             reason: paid after the order was cancelled and its units sold: refund it
       order_status: refund_due
         deliveries: 1
  first_received_at: 2026-11-27 09:10:00.000000
   last_received_at: 2026-11-27 09:10:00.000000
         settled_at: 2026-11-27 09:10:00.000000
     reprocessed_at: NULL
            payload: {"id": "evt_9"}
  mysql> CALL list_webhooks(''lost'', NULL, NULL);
  ERROR 31301 (45422): invalid_argument: outcome must be parked, applied, ignored, amount_mismatch, refund_due, refunded or NULL
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END;

    IF in_outcome NOT IN ('parked', 'applied', 'ignored', 'amount_mismatch', 'refund_due', 'refunded') THEN
      CALL _raise('invalid_argument', 'outcome must be parked, applied, ignored, amount_mismatch, refund_due, refunded or NULL');
    END IF;
    CALL _require_number('limit', COALESCE(in_limit, 100), 1, 10000);
    COMMIT;
  END;

  SET in_limit = COALESCE(in_limit, 100);
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT w.webhook_id, w.idempotency_key, w.order_uuid AS order_id, w.payment_status, w.amount_minor AS amount, w.currency,
         w.occurred_at, w.outcome, w.reason, o.status AS order_status, w.deliveries, w.first_received_at, w.last_received_at,
         w.settled_at, w.reprocessed_at, w.payload
    FROM payment_webhooks AS w
    LEFT JOIN orders AS o ON o.order_id = w.order_id
   WHERE (in_outcome IS NULL OR w.outcome = in_outcome)
     AND (in_since IS NULL OR w.first_received_at >= in_since)
   ORDER BY w.webhook_id DESC
   LIMIT in_limit;
  COMMIT;
END $$

DELIMITER ;
