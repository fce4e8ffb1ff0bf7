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
     AND (EXISTS (SELECT 1
                    FROM holds AS h
                   WHERE h.product_id = p.product_id AND h.expires_at <= p.clock)
          OR EXISTS (SELECT 1
                       FROM orders AS o
                      WHERE o.product_id = p.product_id AND o.status = 'pending' AND o.pay_by <= p.clock));
END $$

DELIMITER ;
