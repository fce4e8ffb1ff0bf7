DELIMITER $$

DROP PROCEDURE IF EXISTS sale_overview $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE sale_overview ()
COMMENT '
Description
  Tells how the sale goes, in a table that fits a screen: a row for each product that is not archived, and one for everything together,
  which also counts payments that belong to no product. It counts orders, so its cost grows with them. The view sale_figures has
  more columns.

Parameters
  none

Result set
  id (of the product; NULL: everything together), product (the first 16 characters of its name), sale (upcoming, open, paused,
  sold_out, ended), free, held and sold (units, as get_product counts them), takings (minor units paid and not refunded; NULL: together, where
  currencies differ), attention (payments that wait for their order; payments of which money has to go back; empty: none)

Errors
  none

Locks
  none

Example
  mysql> CALL sale_overview();
  +------+-----------------+------+------+------+------+-----------+---------------+
  | id   | product         | sale | free | held | sold | takings   | attention     |
  +------+-----------------+------+------+------+------+-----------+---------------+
  |    1 | Limited sneaker | open |   97 |    1 |    2 | 25800 EUR | 1 wait, 1 due |
  | NULL | NULL            | NULL |   97 |    1 |    2 | 25800 EUR | 1 wait, 1 due |
  +------+-----------------+------+------+------+------+-----------+---------------+
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT product_id AS id, IF(CHAR_LENGTH(name) > 16, CONCAT(LEFT(name, 15), '…'), name) AS product, sale, available AS free, held, sold,
         CONCAT(takings, ' ', currency) AS takings,
         CONCAT_WS(', ', IF(payments_waiting > 0, CONCAT(payments_waiting, ' wait'), NULL),
                         IF(payments_due > 0, CONCAT(payments_due, ' due'), NULL)) AS attention
    FROM sale_figures
   ORDER BY product_id IS NULL, product_id;
  COMMIT;
END $$

DELIMITER ;
