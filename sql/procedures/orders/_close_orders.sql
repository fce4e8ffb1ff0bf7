DELIMITER $$

DROP PROCEDURE IF EXISTS _close_orders $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _close_orders (
  IN in_order_ids JSON,
  IN in_status VARCHAR(10),
  IN in_cancelled_as VARCHAR(10),
  IN in_reason VARCHAR(255)
)
COMMENT '
Description
  Closes live orders, in the transaction of its caller, who has locked them, and gives their units back at the end by _free_units.
  STRAIGHT_JOIN: a plan that begins with the table would lock the rows of every other buyer.

Parameters
  in_order_ids    JSON     array of ids as texts
  in_status       VARCHAR  cancelled or refunded
  in_cancelled_as VARCHAR  lapsed or withdrawn, for cancelled; else NULL
  in_reason       VARCHAR  kept in closed_reason

Locks
  none beyond the orders
'
BEGIN
  UPDATE JSON_TABLE(in_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS closed
    STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = UUID_TO_BIN(closed.id)
     SET o.status = in_status,
         o.cancelled_as = in_cancelled_as,
         o.paid_at = IF(in_status = 'refunded', o.paid_at, NULL),
         o.fulfilled_at = IF(in_status = 'refunded', o.fulfilled_at, NULL),
         o.closed_at = UTC_TIMESTAMP(6),
         o.closed_reason = in_reason;
  CALL _notify_orders(CONCAT('order.', in_status), in_order_ids);
END $$

DELIMITER ;
