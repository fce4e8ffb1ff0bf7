DELIMITER $$

-- Until when each order may be paid: of a pending one whose sale is paused, until when it could be if the sale went on at this moment. An
-- order that was made in the pause has lived through a part of it only. STRAIGHT_JOIN: readers come by the order.
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW order_deadlines AS
SELECT o.order_id,
       o.pay_by + INTERVAL IF(o.status = 'pending' AND o.pay_by > c.clock,
                              LEAST(c.paused_microseconds, GREATEST(TIMESTAMPDIFF(MICROSECOND, o.created_at, UTC_TIMESTAMP(6)), 0)),
                              0) MICROSECOND AS pay_by
  FROM orders AS o
  STRAIGHT_JOIN product_clocks AS c ON c.product_id = o.product_id $$

DELIMITER ;
