DELIMITER $$

DROP PROCEDURE IF EXISTS list_tasks $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_tasks ()
COMMENT '
Description
  Lists what waits for a person on duty, each with the CALL that settles it: the 20 oldest of each kind, oldest first. It reads nothing
  that only grows, and no customer is named.

Parameters
  none

Result set
  kind (refund due: money has to go back; payment waiting: for an order that may still come, so it mostly settles itself; notification
  failed: its receiver did not take it for three days), subject (the payment; the notification and its kind), order_id (of the order or its
  hold; NULL: none that is an id of ours), amount (minor units; NULL: nobody named one), currency, since (UTC), reason, settled_by (the CALL;
  record_refund only writes down that you gave the money back at the provider), of_kind (how many of this kind there are); no row when
  nothing waits

Errors
  none

Locks
  none

Example
  mysql> CALL list_tasks()\\G
  *************************** 1. row ***************************
        kind: refund due
     subject: pi_2
    order_id: 01a21c20-2b40-774a-9f04-b08ae378760d
      amount: 25800
    currency: EUR
       since: 2026-11-27 09:10:00.000000
      reason: the order is paid already
  settled_by: CALL record_refund(''pi_2'', ''paid back at the provider'', NULL)
     of_kind: 1
  *************************** 2. row ***************************
        kind: notification failed
     subject: notification 7, product.sold_out
    order_id: NULL
      amount: NULL
    currency: NULL
       since: 2026-11-27 08:30:00.000000
      reason: 503 Service Unavailable
  settled_by: CALL resend_notification(7, NULL)
     of_kind: 1
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  WITH numbered AS (
    SELECT t.kind, t.subject, t.order_id, t.amount, t.currency, t.since, t.reason, t.settled_by,
           ROW_NUMBER() OVER (PARTITION BY t.kind ORDER BY t.since, t.subject) AS place,
           COALESCE(t.of_kind, COUNT(*) OVER (PARTITION BY t.kind)) AS of_kind
      FROM open_tasks AS t)
  SELECT n.kind, n.subject, n.order_id, n.amount, n.currency, n.since, n.reason, n.settled_by, n.of_kind
    FROM numbered AS n
   WHERE n.place <= 20
   ORDER BY n.kind DESC, n.place ASC;
  COMMIT;
END $$

DELIMITER ;
