DELIMITER $$

DROP PROCEDURE IF EXISTS sale_overview $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE sale_overview ()
COMMENT '
Description
  Tells how the sale goes, in a table that fits a screen: a row for each product that is not archived, and one for everything together,
  which also counts payments that belong to no product. It counts orders, so its cost grows with them. show_board and show_totals
  tell more.

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
  -- Of a payment whose order nobody knows the product is 0, which no product is.
  WITH waiting AS (
    SELECT COALESCE(o.product_id, h.product_id, e.product_id, 0) AS product_id, SUM(w.follow_up = 'order') AS early, COUNT(d.payment_id) AS due
      FROM payments AS w
      LEFT JOIN money_owed AS d ON d.payment_id = w.payment_id
      LEFT JOIN orders AS o ON o.order_id = w.order_id
      LEFT JOIN holds AS h ON h.hold_id = w.order_id
      LEFT JOIN hold_history AS e ON e.hold_id = w.order_id
     WHERE w.follow_up IN ('order', 'refund')
     GROUP BY COALESCE(o.product_id, h.product_id, e.product_id, 0) WITH ROLLUP),
  figures AS (
    SELECT t.product_id, IF(GROUPING(t.product_id), NULL, MIN(s.sale)) AS sale, COALESCE(SUM(s.available), 0) AS free,
           COALESCE(SUM(s.held), 0) AS held, COALESCE(SUM(s.sold), 0) AS sold,
           IF(COUNT(DISTINCT t.currency) = 1, CONCAT(SUM(t.takings), ' ', MIN(t.currency)), NULL) AS takings
      FROM order_totals AS t
      JOIN live_stock AS s ON s.product_id = t.product_id
     GROUP BY t.product_id WITH ROLLUP)
  SELECT f.product_id AS id, IF(CHAR_LENGTH(p.name) > 16, CONCAT(LEFT(p.name, 15), '…'), p.name) AS product,
         f.sale, f.free, f.held, f.sold, f.takings,
         CONCAT_WS(', ', IF(w.early > 0, CONCAT(w.early, ' wait'), NULL), IF(w.due > 0, CONCAT(w.due, ' due'), NULL)) AS attention
    FROM figures AS f
    LEFT JOIN products AS p ON p.product_id = f.product_id
    LEFT JOIN waiting AS w ON w.product_id <=> f.product_id
   ORDER BY f.product_id IS NULL, f.product_id;
  COMMIT;
END $$

DELIMITER ;
