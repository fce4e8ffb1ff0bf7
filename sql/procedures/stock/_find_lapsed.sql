DELIMITER $$

DROP PROCEDURE IF EXISTS _find_lapsed $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _find_lapsed (
  IN in_product_id INT UNSIGNED,
  IN in_customer_id LONGTEXT,
  OUT out_lapsed BOOLEAN
)
COMMENT '
Description
  Tells whether a customer has a hold that expired or an order that is overdue and was not given back yet: the customer''s limits
  can be judged only afterwards. It looks at what ran out and was not swept, which is little, and at nobody else''s.

Locks
  none; the caller has locked the product, whose sale is not paused, and the customer''s row in customer_units
'
BEGIN
  SELECT EXISTS (SELECT 1
                   FROM holds
                  WHERE product_id = in_product_id AND expires_at <= UTC_TIMESTAMP(6) AND customer_id = in_customer_id)
         OR EXISTS (SELECT 1
                      FROM orders
                     WHERE product_id = in_product_id AND status = 'pending' AND pay_by <= UTC_TIMESTAMP(6)
                       AND customer_id = in_customer_id)
    INTO out_lapsed;
END $$

DELIMITER ;
