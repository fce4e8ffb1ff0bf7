DELIMITER $$

DROP PROCEDURE IF EXISTS _close_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _close_orders (
  IN in_product_id INT UNSIGNED,
  IN in_order_ids JSON,
  IN in_status VARCHAR(10),
  IN in_reason VARCHAR(255)
)
COMMENT '
Description
  Closes live orders of one product, in the transaction of its caller, who has locked them: pending ones become cancelled,
  paid ones refunded, and their units return to sale. STRAIGHT_JOIN: a plan that begins with the table would lock the rows
  of every other buyer.

Parameters
  in_product_id INT
  in_order_ids  JSON     array of ids as texts; NULL is none
  in_status     VARCHAR  cancelled or refunded
  in_reason     VARCHAR  kept in closed_reason

Locks
  customer_units, then stock_stripes
'
BEGIN
  DECLARE v_units INT;
  DECLARE v_counts BOOLEAN;
  DECLARE v_pause_seconds INT;

  UPDATE JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS closed
    STRAIGHT_JOIN orders AS o ON o.order_id = UUID_TO_BIN(closed.id)
     SET o.status = in_status,
         o.closed_at = UTC_TIMESTAMP(6),
         o.closed_reason = in_reason,
         o.refunded_minor = IF(in_status = 'refunded', o.amount_minor, o.refunded_minor);

  SELECT counts_customers, IF(in_status = 'cancelled', pause_seconds, NULL)
    INTO v_counts, v_pause_seconds
    FROM products
   WHERE product_id = in_product_id;
  IF v_counts THEN
    -- What was cancelled was unpaid. An order that ran out unpaid pauses its customer as a hold does.
    UPDATE (SELECT o.customer_id, SUM(o.qty) AS units, MAX(IF(o.pay_by <= UTC_TIMESTAMP(6), o.pay_by, NULL)) AS overdue_at
              FROM JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS closed
              STRAIGHT_JOIN orders AS o ON o.order_id = UUID_TO_BIN(closed.id)
             GROUP BY o.customer_id) AS freed
      STRAIGHT_JOIN customer_units AS c ON c.product_id = in_product_id AND c.customer_id = freed.customer_id
       SET c.units = c.units - freed.units,
           c.unpaid_units = c.unpaid_units - IF(in_status = 'cancelled', freed.units, 0),
           c.paused_until = IF(v_pause_seconds IS NULL OR freed.overdue_at IS NULL, c.paused_until,
                               GREATEST(COALESCE(c.paused_until, freed.overdue_at),
                                        freed.overdue_at + INTERVAL v_pause_seconds SECOND));
  END IF;

  SELECT SUM(o.qty)
    INTO v_units
    FROM JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS closed
    STRAIGHT_JOIN orders AS o ON o.order_id = UUID_TO_BIN(closed.id);
  CALL _return_units(in_product_id, v_units);
END $$

DELIMITER ;
