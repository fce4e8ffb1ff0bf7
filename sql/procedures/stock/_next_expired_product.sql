DELIMITER $$

DROP PROCEDURE IF EXISTS _next_expired_product $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _next_expired_product (
  INOUT io_product_id INT UNSIGNED
)
COMMENT '
Description
  Goes to the next product, by id, that has an expired hold or an overdue order. A sweep goes through all of them once, so that
  something it has to skip in one product does not keep it from the others.

Parameters
  io_product_id INT  in: the product before, 0 for the first; out: the product, NULL when there is no other

Locks
  none
'
BEGIN
  SELECT MIN(p.product_id)
    INTO io_product_id
    FROM product_clocks AS p
   WHERE p.product_id > io_product_id
     -- The first of an index, as in sweep_health: with EXISTS MySQL walks over all that are live.
     AND ((SELECT h.expires_at
             FROM holds AS h FORCE INDEX (ix_holds_product_id_expires_at)
            WHERE h.product_id = p.product_id
            ORDER BY h.product_id, h.expires_at
            LIMIT 1) <= p.clock
          OR (SELECT o.pay_by
                FROM orders AS o FORCE INDEX (ix_orders_product_id_status_pay_by)
               WHERE o.product_id = p.product_id AND o.status = 'pending'
               ORDER BY o.product_id, o.status, o.pay_by
               LIMIT 1) <= p.clock);
END $$

DELIMITER ;
