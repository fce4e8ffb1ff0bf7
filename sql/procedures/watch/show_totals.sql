DELIMITER $$

DROP PROCEDURE IF EXISTS show_totals $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE show_totals ()
COMMENT '
Description
  Shows what the sale has come to so far: orders that ended and money, a row for each product, and one for everything together
  with the payments and the payment events by what became of them. It walks over all orders, once: a second or two for a million of them, so
  a board and monitoring ask for it more rarely than for show_board.

Parameters
  none

Result set
  product_id and currency (NULL: everything together), orders_paid, orders_cancelled, payments_failed (those of the cancelled
  orders that a failed payment closed), orders_refunded, orders_fulfilled, takings (minor units paid and not given back; NULL:
  together, where currencies differ), given_back (minor units; likewise); and only in the row of everything together, payment
  events by outcome: events_applied, events_ignored, events_parked, events_mismatched, events_refund_due; payments_by_state (JSON: those
  that wait for nobody; show_board counts the others); and disputes_open, disputes_won and disputes_lost, payments that are or were disputed

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
                  …
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  WITH figures AS (
    SELECT o.product_id, COALESCE(SUM(o.paid), 0) AS orders_paid, COALESCE(SUM(o.cancelled), 0) AS orders_cancelled,
           COALESCE(SUM(o.failed), 0) AS payments_failed, COALESCE(SUM(o.refunded), 0) AS orders_refunded,
           COALESCE(SUM(o.fulfilled), 0) AS orders_fulfilled, COUNT(DISTINCT o.currency) AS currencies,
           SUM(o.takings) AS takings, SUM(o.given_back) AS given_back
      FROM order_totals AS o
     GROUP BY o.product_id WITH ROLLUP),
  outcomes AS (
    SELECT w.outcome, COUNT(*) AS events FROM payment_webhooks AS w GROUP BY w.outcome),
  inbox AS (
    SELECT COALESCE(SUM(IF(o.outcome = 'applied', o.events, 0)), 0) AS events_applied,
           COALESCE(SUM(IF(o.outcome = 'ignored', o.events, 0)), 0) AS events_ignored,
           COALESCE(SUM(IF(o.outcome = 'parked', o.events, 0)), 0) AS events_parked,
           COALESCE(SUM(IF(o.outcome = 'amount_mismatch', o.events, 0)), 0) AS events_mismatched,
           COALESCE(SUM(IF(o.outcome = 'refund_due', o.events, 0)), 0) AS events_refund_due
      FROM outcomes AS o),
  states AS (
    SELECT w.state, w.dispute, COUNT(*) AS payments FROM payments AS w GROUP BY w.state, w.dispute),
  counted AS (
    SELECT JSON_OBJECT('open', COALESCE(SUM(IF(s.state = 'open', s.payments, 0)), 0),
                       'failed', COALESCE(SUM(IF(s.state = 'failed', s.payments, 0)), 0),
                       'paying', COALESCE(SUM(IF(s.state = 'paying', s.payments, 0)), 0),
                       'settled', COALESCE(SUM(IF(s.state = 'settled', s.payments, 0)), 0)) AS payments_by_state,
           COALESCE(SUM(IF(s.dispute = 'opened', s.payments, 0)), 0) AS disputes_open,
           COALESCE(SUM(IF(s.dispute = 'won', s.payments, 0)), 0) AS disputes_won,
           COALESCE(SUM(IF(s.dispute = 'lost', s.payments, 0)), 0) AS disputes_lost
      FROM states AS s)
  SELECT f.product_id, p.currency, f.orders_paid, f.orders_cancelled, f.payments_failed, f.orders_refunded, f.orders_fulfilled,
         IF(f.currencies = 1, f.takings, NULL) AS takings, IF(f.currencies = 1, f.given_back, NULL) AS given_back, i.*, c.*
    FROM figures AS f
    LEFT JOIN products AS p ON p.product_id = f.product_id
    LEFT JOIN inbox AS i ON f.product_id IS NULL
    LEFT JOIN counted AS c ON f.product_id IS NULL
   ORDER BY f.product_id IS NULL, f.product_id;
  COMMIT;
END $$

DELIMITER ;
