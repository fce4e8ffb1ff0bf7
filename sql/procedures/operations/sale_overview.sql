DELIMITER $$

DROP PROCEDURE IF EXISTS sale_overview $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE sale_overview ()
COMMENT '
Description
  Tells how the sale goes: a row for each product that is not archived, and one for everything together, which also counts
  payments that belong to no product. It counts orders, so its cost grows with them.

Parameters
  none

Result set
  product_id and name (NULL: everything together), sale (upcoming, open, sold out, ended; NULL: together), stock_total,
  available, held, sold (as get_product), live_holds, orders_pending, orders_paid, orders_fulfilled (of those that were paid),
  orders_cancelled, orders_refunded, takings (minor units paid and not refunded; NULL: together, where currencies differ), currency,
  payments_waiting (for an order that may still come), payments_due (of which money has to go back), money_due (minor units;
  NULL: in several currencies)

Errors
  none

Locks
  none

Example
  mysql> CALL sale_overview()\\G
  *************************** 1. row ***************************
        product_id: 1
              name: Limited sneaker
              sale: open
       stock_total: 100
         available: 97
              held: 1
              sold: 2
        live_holds: 1
    orders_pending: 0
       orders_paid: 1
  orders_fulfilled: 0
  orders_cancelled: 0
   orders_refunded: 0
           takings: 25800
          currency: EUR
  payments_waiting: 0
      payments_due: 0
         money_due: 0
  *************************** 2. row ***************************
        product_id: NULL
              name: NULL
              sale: NULL
       stock_total: 100
         available: 97
              held: 1
              sold: 2
        live_holds: 1
    orders_pending: 0
       orders_paid: 1
  orders_fulfilled: 0
  orders_cancelled: 0
   orders_refunded: 0
           takings: 25800
          currency: EUR
  payments_waiting: 0
      payments_due: 0
         money_due: 0
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT product_id, name, sale, stock_total, available, held, sold, live_holds, orders_pending, orders_paid,
         orders_fulfilled, orders_cancelled, orders_refunded, takings, currency, payments_waiting, payments_due, money_due
    FROM sale_figures
   ORDER BY product_id IS NULL, product_id;
  COMMIT;
END $$

DELIMITER ;
