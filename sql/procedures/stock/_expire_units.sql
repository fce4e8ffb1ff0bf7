DELIMITER $$

DROP PROCEDURE IF EXISTS _expire_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _expire_units (
  IN in_product_id INT UNSIGNED,
  IN in_customer_id LONGTEXT,
  IN in_max_holds INT,
  IN in_max_orders INT,
  OUT out_holds INT,
  OUT out_orders INT,
  OUT out_units INT
)
COMMENT '
Description
  Ends holds of a product that have expired and cancels orders that are overdue, oldest first, and gives their units back, in the
  transaction of its caller. What somebody is working on (an order, a webhook) is skipped: its fate is theirs to decide.
  Each is found without a lock and locked by its primary key, as all procedures lock it. To lock the index on the time first and
  the row afterwards would be a deadlock with a session that does it the other way round. What it is now, once locked, counts: a
  hold may have been extended or paid since it was found.

Parameters
  in_customer_id TEXT  only what this customer has; NULL: of everybody
  out_holds      INT   holds ended
  out_orders     INT   orders cancelled
  out_units      INT   units given back

Locks
  the product, shared, unless somebody has it; holds, then orders (skipping locked ones), then customer_units, then stock_stripes
'
BEGIN
  DECLARE v_hold_ids, v_order_ids JSON;
  DECLARE v_hold_units, v_order_units INT;
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_clock DATETIME(6);

  -- Shared, so that the sale can't be paused, and nobody be told that this lived on, before it is committed. A product that an operator
  -- is at has its turn in the next run.
  SELECT product_id INTO v_product_id FROM products WHERE product_id = in_product_id FOR SHARE SKIP LOCKED;
  SELECT clock INTO v_clock FROM product_clocks WHERE product_id = v_product_id;


  SELECT JSON_ARRAYAGG(BIN_TO_UUID(hold_id)), COUNT(*), COALESCE(SUM(qty), 0)
    INTO v_hold_ids, out_holds, v_hold_units
    FROM (SELECT h.hold_id, h.qty
            FROM (SELECT hold_id
                    FROM holds FORCE INDEX (ix_holds_product_id_expires_at)
                   WHERE product_id = in_product_id AND expires_at <= v_clock
                     AND (in_customer_id IS NULL OR customer_id = in_customer_id)
                   ORDER BY expires_at
                   LIMIT in_max_holds) AS expired
            STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = expired.hold_id
           WHERE h.expires_at <= v_clock
             FOR UPDATE OF h SKIP LOCKED) AS mine;
  IF out_holds > 0 THEN
    CALL _end_holds(v_hold_ids, 'expired');
    CALL _notify_holds(v_hold_ids);
  END IF;

  SELECT JSON_ARRAYAGG(BIN_TO_UUID(order_id)), COUNT(*), COALESCE(SUM(qty), 0)
    INTO v_order_ids, out_orders, v_order_units
    FROM (SELECT o.order_id, o.qty
            FROM (SELECT order_id
                    FROM orders FORCE INDEX (ix_orders_product_id_status_pay_by)
                   WHERE product_id = in_product_id AND status = 'pending' AND pay_by <= v_clock
                     AND (in_customer_id IS NULL OR customer_id = in_customer_id)
                   ORDER BY pay_by
                   LIMIT in_max_orders) AS overdue
            STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = overdue.order_id
           WHERE o.status = 'pending' AND o.pay_by <= v_clock
             FOR UPDATE OF o SKIP LOCKED) AS mine;
  IF out_orders > 0 THEN
    CALL _close_orders(v_order_ids, 'cancelled', 'lapsed', 'overdue: not paid in time');
  END IF;

  SET out_units = v_hold_units + v_order_units;
  IF out_units > 0 THEN
    CALL _free_units(in_product_id, v_hold_ids, v_order_ids, TRUE);
  END IF;
END $$

DELIMITER ;
