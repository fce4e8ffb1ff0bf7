DELIMITER $$

DROP PROCEDURE IF EXISTS show_totals $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE show_totals ()
COMMENT '
Description
  Shows what the sale has come to so far: orders that ended and money, a row for each product, and one for everything together
  with the payment events by what became of them. It walks over all orders, once: a second or two for a million of them, so a board
  asks for it more rarely than for show_board.

Parameters
  none

Result set
  product_id and currency (NULL: everything together), orders_paid, orders_cancelled, payments_failed (those of the cancelled
  orders that a failed payment closed), orders_refunded, orders_fulfilled, takings (minor units paid and not given back; NULL:
  together, where currencies differ), given_back (minor units; likewise); and only in the row of everything together, payment
  events by outcome: events_applied, events_ignored, events_parked, events_mismatched, events_refund_due; and disputes_open,
  payments that are disputed

Errors
  none

Locks
  none

Example
  mysql> CALL show_totals()\\G
  *************************** 1. row ***************************
         product_id: 1
           currency: EUR
        orders_paid: 1
   orders_cancelled: 0
    payments_failed: 0
    orders_refunded: 0
   orders_fulfilled: 0
            takings: 25800
         given_back: 0
     events_applied: NULL
     events_ignored: NULL
      events_parked: NULL
  events_mismatched: NULL
  events_refund_due: NULL
      disputes_open: NULL
  *************************** 2. row ***************************
         product_id: NULL
           currency: NULL
        orders_paid: 1
   orders_cancelled: 0
    payments_failed: 0
    orders_refunded: 0
   orders_fulfilled: 0
            takings: 25800
         given_back: 0
     events_applied: 1
     events_ignored: 0
      events_parked: 0
  events_mismatched: 0
  events_refund_due: 0
      disputes_open: 0
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  WITH totals AS (
    SELECT o.product_id, o.currency, o.paid, o.cancelled, o.failed, o.refunded, o.fulfilled, o.takings, o.given_back
      FROM order_totals AS o)
  SELECT t.product_id, t.currency, t.paid AS orders_paid, t.cancelled AS orders_cancelled, t.failed AS payments_failed,
         t.refunded AS orders_refunded,
         t.fulfilled AS orders_fulfilled, t.takings, t.given_back, NULL AS events_applied, NULL AS events_ignored,
         NULL AS events_parked, NULL AS events_mismatched, NULL AS events_refund_due, NULL AS disputes_open
    FROM totals AS t
   UNION ALL
  SELECT NULL, NULL, COALESCE(SUM(t.paid), 0), COALESCE(SUM(t.cancelled), 0), COALESCE(SUM(t.failed), 0),
         COALESCE(SUM(t.refunded), 0), COALESCE(SUM(t.fulfilled), 0), IF(COUNT(DISTINCT t.currency) = 1, SUM(t.takings), NULL), IF(COUNT(DISTINCT t.currency) = 1, SUM(t.given_back), NULL),
         (SELECT COUNT(*) FROM payment_webhooks AS w WHERE w.outcome = 'applied'),
         (SELECT COUNT(*) FROM payment_webhooks AS w WHERE w.outcome = 'ignored'),
         (SELECT COUNT(*) FROM payment_webhooks AS w WHERE w.outcome = 'parked'),
         (SELECT COUNT(*) FROM payment_webhooks AS w WHERE w.outcome = 'amount_mismatch'),
         (SELECT COUNT(*) FROM payment_webhooks AS w WHERE w.outcome = 'refund_due'),
         (SELECT COUNT(*) FROM payments AS w WHERE w.dispute = 'opened')
    FROM totals AS t
   ORDER BY product_id IS NULL, product_id;
  COMMIT;
END $$

DELIMITER ;
