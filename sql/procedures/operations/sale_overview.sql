DELIMITER $$

DROP PROCEDURE IF EXISTS sale_overview $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE sale_overview ()
COMMENT '
Description
  Tells how the sale goes: a row for each product, and one for everything together, which also counts payments that belong to no
  product. It counts orders, so its cost grows with them.

Parameters
  none

Result set
  product_id and name (NULL: everything together), sale (upcoming, open, sold out, ended; NULL: together), stock_total,
  available, held, sold (as get_product), live_holds, orders_pending, orders_paid, orders_cancelled, orders_refund_due,
  orders_refunded, takings (minor units paid and not refunded; NULL: together, where currencies differ), currency,
  payments_parked, parked_too_long, amount_mismatches, refunds_due

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
   orders_cancelled: 0
  orders_refund_due: 0
    orders_refunded: 0
            takings: 25800
           currency: EUR
    payments_parked: 0
    parked_too_long: 0
  amount_mismatches: 0
        refunds_due: 0
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
   orders_cancelled: 0
  orders_refund_due: 0
    orders_refunded: 0
            takings: 25800
           currency: EUR
    payments_parked: 0
    parked_too_long: 0
  amount_mismatches: 0
        refunds_due: 0
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT product_id, name, sale, stock_total, available, held, sold, live_holds, orders_pending, orders_paid, orders_cancelled,
         orders_refund_due, orders_refunded, takings, currency, payments_parked, parked_too_long, amount_mismatches, refunds_due
    FROM sale_figures
   ORDER BY product_id IS NULL, product_id;
  COMMIT;
END $$

DELIMITER ;
