DELIMITER $$

DROP PROCEDURE IF EXISTS list_webhooks $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_webhooks (
  IN in_outcome LONGTEXT,
  IN in_since DATETIME(6),
  IN in_limit LONGTEXT
)
COMMENT '
Description
  Lists what is in the inbox of payment events, newest first: each event, what it did and why, how often it came.

Parameters
  in_outcome TEXT         parked, applied, ignored, amount_mismatch or refund_due; NULL: any
  in_since   DATETIME(6)  UTC; first received at or after it; NULL: from the beginning
  in_limit   BIGINT       1 to 10,000 events; NULL: 100

Result set
  webhook_id, idempotency_key, payment_id (NULL: other), order_id (as it names it, or as its payment was found; NULL: none),
  payment_status, amount (minor units), currency, occurred_at, outcome, reason, payment_state, order_status (NULL: no order),
  deliveries, first_received_at, last_received_at, settled_at, reprocessed_at, payload (the event as received)

Errors
  invalid_argument  a parameter is none of those

Locks
  none

Example
  mysql> CALL list_webhooks(''refund_due'', NULL, 10)\\G
  *************************** 1. row ***************************
         webhook_id: 1
    idempotency_key: evt_9
         payment_id: pi_9
           order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
     payment_status: succeeded
             amount: 25800
           currency: EUR
        occurred_at: NULL
            outcome: refund_due
             reason: paid after the order was cancelled and its units were sold
      payment_state: due
       order_status: cancelled
         deliveries: 1
  first_received_at: 2026-11-27 09:10:00.000000
   last_received_at: 2026-11-27 09:10:00.000000
         settled_at: 2026-11-27 09:10:00.000000
     reprocessed_at: NULL
            payload: {"id": "evt_9"}
  mysql> CALL list_webhooks(''lost'', NULL, NULL);
  ERROR 31301 (45422): invalid_argument: outcome must be parked, applied, ignored, amount_mismatch, refund_due or NULL
'
BEGIN
  DECLARE v_limit BIGINT;
  DECLARE v_since DATETIME(6);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    IF in_outcome NOT IN ('parked', 'applied', 'ignored', 'amount_mismatch', 'refund_due') THEN
      CALL _raise('invalid_argument', 'outcome must be parked, applied, ignored, amount_mismatch, refund_due or NULL', NULL);
    END IF;
    CALL _require_number('limit', COALESCE(in_limit, 1), 1, 10000);
    COMMIT;
  END;

  SET v_limit = COALESCE(in_limit, 100), v_since = COALESCE(in_since, '1000-01-01');
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  -- The newest of each outcome, through its index, and of those the newest: what is older is never looked at. Each outcome is named
  -- by itself, for MySQL looks an ENUM up in an index by a constant only. They are put in order before the events are read, one
  -- by one: MySQL can't sort rows with a payload larger than sort_buffer_size (1038).
  SELECT w.webhook_id, w.idempotency_key, w.payment_id, COALESCE(w.order_ref, w.order_uuid) AS order_id, w.payment_status,
         w.amount_minor AS amount, w.currency, w.occurred_at, w.outcome, w.reason, p.state AS payment_state, o.status AS order_status,
         w.deliveries, w.first_received_at, w.last_received_at, w.settled_at, w.reprocessed_at, w.payload
    FROM (SELECT newest.webhook_id, newest.first_received_at
            FROM (
                 (SELECT webhook_id, first_received_at
                    FROM payment_webhooks
                   WHERE outcome = 'parked' AND first_received_at >= v_since AND (in_outcome IS NULL OR in_outcome = 'parked')
                   ORDER BY first_received_at DESC, webhook_id DESC
                   LIMIT v_limit)
                   UNION ALL
                 (SELECT webhook_id, first_received_at
                    FROM payment_webhooks
                   WHERE outcome = 'applied' AND first_received_at >= v_since AND (in_outcome IS NULL OR in_outcome = 'applied')
                   ORDER BY first_received_at DESC, webhook_id DESC
                   LIMIT v_limit)
                   UNION ALL
                 (SELECT webhook_id, first_received_at
                    FROM payment_webhooks
                   WHERE outcome = 'ignored' AND first_received_at >= v_since AND (in_outcome IS NULL OR in_outcome = 'ignored')
                   ORDER BY first_received_at DESC, webhook_id DESC
                   LIMIT v_limit)
                   UNION ALL
                 (SELECT webhook_id, first_received_at
                    FROM payment_webhooks
                   WHERE outcome = 'amount_mismatch' AND first_received_at >= v_since AND (in_outcome IS NULL OR in_outcome = 'amount_mismatch')
                   ORDER BY first_received_at DESC, webhook_id DESC
                   LIMIT v_limit)
                   UNION ALL
                 (SELECT webhook_id, first_received_at
                    FROM payment_webhooks
                   WHERE outcome = 'refund_due' AND first_received_at >= v_since AND (in_outcome IS NULL OR in_outcome = 'refund_due')
                   ORDER BY first_received_at DESC, webhook_id DESC
                   LIMIT v_limit)) AS newest
           ORDER BY newest.first_received_at DESC, newest.webhook_id DESC
           LIMIT v_limit) AS chosen
    STRAIGHT_JOIN payment_webhooks AS w FORCE INDEX (PRIMARY) ON w.webhook_id = chosen.webhook_id
    LEFT JOIN payments AS p FORCE INDEX (PRIMARY) ON p.payment_id = w.payment_id
    LEFT JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = COALESCE(p.order_id, w.order_id)
   ORDER BY chosen.first_received_at DESC, chosen.webhook_id DESC;
  COMMIT;
END $$

DELIMITER ;
