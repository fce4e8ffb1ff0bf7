DELIMITER $$

DROP PROCEDURE IF EXISTS _empty_payloads $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _empty_payloads (
  IN in_order_ids JSON,
  OUT out_payloads BIGINT
)
COMMENT '
Description
  Empties the payloads of all events of holds and orders, in the transaction of its caller, who has locked these: for a payload names
  the buyer.

Parameters
  in_order_ids JSON  array of ids as texts
  out_payloads INT   how many it emptied

Locks
  the payments, by their ids; their webhooks, by theirs
'
BEGIN
  DECLARE v_payments INT;
  DECLARE v_webhook_ids JSON;

  -- The payments first: who decides several of them changes their events in another order.
  SELECT COUNT(*)
    INTO v_payments
    FROM (SELECT p.payment_id
            FROM (SELECT w.payment_id
                    FROM JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS purchase
                    STRAIGHT_JOIN payments AS w FORCE INDEX (uq_payments_order_id) ON w.order_id = UUID_TO_BIN(purchase.id)
                   ORDER BY w.payment_id
                   LIMIT 18446744073709551615) AS mine
            STRAIGHT_JOIN payments AS p FORCE INDEX (PRIMARY) ON p.payment_id = mine.payment_id
             FOR UPDATE OF p) AS locked;

  -- An event that moves no payment is found by the order that it names, among all of its kind.
  SELECT JSON_ARRAYAGG(webhook_id)
    INTO v_webhook_ids
    FROM (SELECT w.webhook_id
            FROM JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS purchase
            STRAIGHT_JOIN payments AS p FORCE INDEX (uq_payments_order_id) ON p.order_id = UUID_TO_BIN(purchase.id)
            STRAIGHT_JOIN payment_webhooks AS w FORCE INDEX (ix_payment_webhooks_payment_id) ON w.payment_id = p.payment_id
           WHERE w.payload IS NOT NULL
           UNION
          SELECT w.webhook_id
            FROM payment_webhooks AS w FORCE INDEX (ix_payment_webhooks_payment_id)
            JOIN JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS purchase ON UUID_TO_BIN(purchase.id) = w.order_id
           WHERE w.payment_id IS NULL AND w.payload IS NOT NULL
           ORDER BY webhook_id
           LIMIT 18446744073709551615) AS mine;
  UPDATE JSON_TABLE(v_webhook_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS mine
    STRAIGHT_JOIN payment_webhooks AS w FORCE INDEX (PRIMARY) ON w.webhook_id = mine.id
     SET w.payload = NULL;
  SET out_payloads = ROW_COUNT();
END $$

DELIMITER ;
