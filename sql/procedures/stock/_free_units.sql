DELIMITER $$

DROP PROCEDURE IF EXISTS _free_units $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _free_units (
  IN in_product_id INT UNSIGNED,
  IN in_hold_ids JSON,
  IN in_order_ids JSON,
  IN in_pauses BOOLEAN
)
COMMENT '
Description
  Gives the units of holds that ended and of orders that were closed back, to their customers'' allowances and to sale: once in a
  transaction, at its end, because customers and stripes come last in the order of locks, customers by their ids.

Parameters
  in_hold_ids  JSON     array of ids as texts, all in hold_history by now; NULL is none
  in_order_ids JSON     array of ids as texts, all cancelled or refunded by now; NULL is none
  in_pauses    BOOLEAN  the buyers let them go unpaid, so that a product with pause_seconds lets these customers wait; FALSE: an
                        operator or a refund ended them, which counts only for what had run out before

Locks
  customer_units, then stock_stripes
'
BEGIN
  DECLARE v_units INT;
  DECLARE v_customers JSON;
  DECLARE v_counts BOOLEAN;
  DECLARE v_pause_seconds INT;
  DECLARE v_clock DATETIME(6);

  SELECT p.counts_customers, p.pause_seconds, c.clock
    INTO v_counts, v_pause_seconds, v_clock
    FROM products AS p
    JOIN product_clocks AS c ON c.product_id = p.product_id
   WHERE p.product_id = in_product_id;
  IF v_counts THEN
    SELECT JSON_ARRAYAGG(JSON_ARRAY(in_product_id, f.customer_id, f.gone_at, v_pause_seconds, f.units, f.unpaid)), SUM(f.units)
      INTO v_customers, v_units
      FROM (SELECT freed.customer_id, SUM(freed.units) AS units, SUM(freed.unpaid) AS unpaid, MAX(freed.gone_at) AS gone_at
              FROM (SELECT h.customer_id, h.qty AS units, h.qty AS unpaid,
                           IF(in_pauses OR h.ended_as = 'expired', LEAST(h.expires_at, h.ended_at), NULL) AS gone_at
                      FROM JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
                      STRAIGHT_JOIN hold_history AS h FORCE INDEX (PRIMARY) ON h.hold_id = UUID_TO_BIN(ended.id)
                     UNION ALL
                    SELECT o.customer_id, o.qty, IF(o.status = 'cancelled' AND o.amount_minor > 0, o.qty, 0),
                           IF(o.status = 'cancelled' AND o.amount_minor > 0 AND (in_pauses OR o.pay_by <= v_clock),
                              IF(o.pay_by <= v_clock, o.pay_by, o.closed_at), NULL)
                      FROM JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS closed
                      STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = UUID_TO_BIN(closed.id)) AS freed
             GROUP BY freed.customer_id) AS f;
    -- ORDER BY with a LIMIT that limits nothing: without it MySQL would take the customers in any order.
    UPDATE (SELECT mine.customer_id, mine.units, mine.unpaid
              FROM JSON_TABLE(v_customers, '$[*]' COLUMNS (
                     customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$[1]',
                     units INT PATH '$[4]',
                     unpaid INT PATH '$[5]')) AS mine
             ORDER BY mine.customer_id
             LIMIT 18446744073709551615) AS f
      STRAIGHT_JOIN customer_units AS c FORCE INDEX (PRIMARY) ON c.product_id = in_product_id AND c.customer_id = f.customer_id
       SET c.units = c.units - f.units,
           c.unpaid_units = c.unpaid_units - f.unpaid;
    IF v_pause_seconds IS NOT NULL THEN
      CALL _pause_customers(v_customers);
    END IF;
  ELSE
    SELECT SUM(freed.qty)
      INTO v_units
      FROM (SELECT h.qty
              FROM JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
              STRAIGHT_JOIN hold_history AS h FORCE INDEX (PRIMARY) ON h.hold_id = UUID_TO_BIN(ended.id)
             UNION ALL
            SELECT o.qty
              FROM JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS closed
              STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = UUID_TO_BIN(closed.id)) AS freed;
  END IF;
  CALL _return_units(in_product_id, v_units);
END $$

DELIMITER ;
