DELIMITER $$

DROP PROCEDURE IF EXISTS list_ledger $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE list_ledger (
  IN in_product_id LONGTEXT,
  IN in_order_id LONGTEXT,
  IN in_limit LONGTEXT
)
COMMENT '
Description
  Lists what happened to one order, or last to a product: when, how many units came to the free ones or left them, whose, who did it
  and why, newest first. Everything is read through an index; what grows is the walk over the product''s live holds. The view
  stock_ledger shows all of it, to look at freely.

Parameters
  in_product_id BIGINT  the product; NULL: whichever the order is of
  in_order_id   TEXT    the id of an order, which is that of its hold, live or ended; NULL: whatever happened last to the product
  in_limit      BIGINT  1 to 10,000 entries; NULL: 100

Result set
  happened_at (UTC), product_id, entry (added, withdrawn; held, ordered, expired, released, stopped; paid, cancelled, refunded,
  fulfilled; or the procedure that an operator called), units (negative: they left the free ones), order_id, customer_id, account (the
  operator''s), reason; no row when nothing is known of the order.
  Of a product: every change of stock, hold and end of a hold. What becomes of an order later, it shows for in_limit orders of each
  status, those that were to be paid last, and for those that the last events and operators were about; of any other, ask by its id

Errors
  product_not_found  no product has this id
  invalid_argument   the product and the order are both NULL, or one of them or the limit is none of those

Locks
  none

Example
  mysql> CALL list_ledger(1, NULL, 4);
  +----------------------------+------------+-----------+-------+--------------------------------------+-------------+------------------------------+-----------------+
  | happened_at                | product_id | entry     | units | order_id                             | customer_id | account                      | reason          |
  +----------------------------+------------+-----------+-------+--------------------------------------+-------------+------------------------------+-----------------+
  | 2026-11-27 08:30:41.000000 |          1 | paid      |     0 | 01a21c20-2b40-774a-9f04-b08ae378760d | alice       | NULL                         | NULL            |
  | 2026-11-27 08:30:09.000000 |          1 | ordered   |     0 | 01a21c20-2b40-774a-9f04-b08ae378760d | alice       | NULL                         | NULL            |
  | 2026-11-27 08:30:00.000000 |          1 | held      |    -2 | 01a21c20-2b40-774a-9f04-b08ae378760d | alice       | NULL                         | NULL            |
  | 2026-11-27 08:00:00.000000 |          1 | added     |   100 | NULL                                 | NULL        | flashsale_operator@localhost | the first stock |
  +----------------------------+------------+-----------+-------+--------------------------------------+-------------+------------------------------+-----------------+
  mysql> CALL list_ledger(NULL, NULL, NULL);
  ERROR 31301 (45422): invalid_argument: product_id or order_id must be given
'
BEGIN
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_order_id BINARY(16);
  DECLARE v_limit BIGINT;
  DECLARE v_known BOOLEAN DEFAULT TRUE;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    IF in_product_id IS NULL AND in_order_id IS NULL THEN
      CALL _raise('invalid_argument', 'product_id or order_id must be given', NULL);
    END IF;
    IF in_order_id IS NOT NULL THEN
      CALL _require_uuid('order_id', in_order_id);
      SET v_order_id = UUID_TO_BIN(in_order_id);
    END IF;
    CALL _require_number('limit', COALESCE(in_limit, 1), 1, 10000);
    IF in_product_id IS NOT NULL THEN
      CALL _require_number('product_id', in_product_id, 1, 4294967295);
      SET v_product_id = in_product_id;
      SELECT EXISTS (SELECT 1 FROM products WHERE product_id = v_product_id) INTO v_known;
    END IF;
    IF NOT v_known THEN
      CALL _raise('product_not_found', 'no product has this id; list_products shows those on sale', NULL);
    END IF;
    COMMIT;
  END;

  SET v_limit = COALESCE(in_limit, 100);
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  -- Of a product: first the ids of those that the newest entries may be of. A hold ends after it began, so the last to end are also
  -- the last that began, but for live ones. Then what happened to each; the view stock_ledger says the same of all. At one instant an
  -- order is held, then ordered, then paid: `step`.
  WITH chosen AS (
    SELECT v_order_id AS id
     UNION
    SELECT hold_id
      FROM (SELECT hold_id FROM holds WHERE v_order_id IS NULL AND product_id = v_product_id ORDER BY hold_id DESC LIMIT v_limit) AS live
     UNION
    SELECT hold_id
      FROM (SELECT hold_id FROM hold_history FORCE INDEX (ix_hold_history_product_id_ended_at)
             WHERE v_order_id IS NULL AND product_id = v_product_id ORDER BY ended_at DESC LIMIT v_limit) AS ended
     UNION
    SELECT order_id
      FROM (SELECT order_id FROM orders
             WHERE v_order_id IS NULL AND product_id = v_product_id AND status = 'paid' ORDER BY pay_by DESC LIMIT v_limit) AS paid
     UNION
    SELECT order_id
      FROM (SELECT order_id FROM orders
             WHERE v_order_id IS NULL AND product_id = v_product_id AND status = 'cancelled' ORDER BY pay_by DESC LIMIT v_limit) AS cancelled
     UNION
    SELECT order_id
      FROM (SELECT order_id FROM orders
             WHERE v_order_id IS NULL AND product_id = v_product_id AND status = 'refunded' ORDER BY pay_by DESC LIMIT v_limit) AS refunded
     UNION
    SELECT order_id
      FROM (SELECT order_id FROM payment_webhooks
             WHERE v_order_id IS NULL AND outcome = 'applied' ORDER BY first_received_at DESC LIMIT v_limit) AS told
     UNION
    SELECT order_id
      FROM (SELECT order_id FROM operator_actions
             WHERE v_order_id IS NULL AND product_id = v_product_id ORDER BY action_id DESC LIMIT v_limit) AS acted),
  ended AS (
    SELECT e.* FROM chosen AS c JOIN hold_history AS e ON e.hold_id = c.id),
  ordered AS (
    SELECT o.* FROM chosen AS c JOIN orders AS o ON o.order_id = c.id)
  SELECT l.happened_at, l.product_id, l.entry, l.units, l.order_id, l.customer_id, l.account, l.reason
    FROM (SELECT 1 AS step, 0 AS number, h.created_at AS happened_at, h.product_id, 'held' AS entry, -h.qty AS units, h.hold_uuid AS order_id,
                 h.customer_id, NULL AS account, NULL AS reason
            FROM chosen AS c
            JOIN holds AS h ON h.hold_id = c.id
           UNION ALL
          SELECT 1, 0, e.created_at, e.product_id, 'held', -e.qty, e.hold_uuid, e.customer_id, NULL, NULL FROM ended AS e
           UNION ALL
          SELECT 2, 0, e.ended_at, e.product_id, e.ended_as, IF(e.ended_as = 'ordered', 0, e.qty), e.hold_uuid, e.customer_id, NULL, NULL
            FROM ended AS e
           UNION ALL
          SELECT 3, 0, o.paid_at, o.product_id, 'paid', 0, o.order_uuid, o.customer_id, NULL, NULL FROM ordered AS o WHERE o.paid_at IS NOT NULL
           UNION ALL
          SELECT 4, 0, o.fulfilled_at, o.product_id, 'fulfilled', 0, o.order_uuid, o.customer_id, NULL, NULL
            FROM ordered AS o
           WHERE o.fulfilled_at IS NOT NULL
           UNION ALL
          SELECT 5, 0, o.closed_at, o.product_id, o.status, IF(o.fulfilled_at IS NULL, o.qty, 0), o.order_uuid, o.customer_id, NULL,
                 o.closed_reason
            FROM ordered AS o
           WHERE o.closed_at IS NOT NULL
           UNION ALL
         (SELECT 6, a.action_id, a.created_at, a.product_id, a.action, 0, a.order_uuid, NULL, a.account, CONCAT_WS(': ', a.reason, a.detail)
            FROM operator_actions AS a
           WHERE IF(v_order_id IS NULL, a.product_id = v_product_id, a.order_id = v_order_id)
           ORDER BY a.action_id DESC
           LIMIT v_limit)
           UNION ALL
         (SELECT 0, a.adjustment_id, a.created_at, a.product_id, IF(a.delta < 0, 'withdrawn', 'added'), a.delta, NULL, NULL, a.account, a.reason
            FROM stock_adjustments AS a
           WHERE a.product_id = v_product_id AND v_order_id IS NULL
           ORDER BY a.adjustment_id DESC
           LIMIT v_limit)) AS l
   WHERE v_product_id IS NULL OR l.product_id = v_product_id
   ORDER BY l.happened_at DESC, l.order_id DESC, l.step DESC, l.number DESC
   LIMIT v_limit;
  COMMIT;
END $$

DELIMITER ;
