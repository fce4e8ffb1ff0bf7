DELIMITER $$

DROP PROCEDURE IF EXISTS _refuse_customer $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _refuse_customer (
  IN in_product_id INT UNSIGNED,
  IN in_customer_id LONGTEXT,
  IN in_refusal VARCHAR(64)
)
COMMENT '
Description
  Says which limit of the product forbids this customer a hold, and what would help.

Parameters
  in_refusal VARCHAR  as _take_customer_units returned it

Errors
  customer_limit_reached, unpaid_limit_reached, customer_paused

Locks
  none
'
BEGIN
  DECLARE v_seconds BIGINT;

  CASE in_refusal
    WHEN 'customer_limit_reached' THEN
      CALL _raise('customer_limit_reached', 'this customer already has as many units of this product as one may have', NULL);
    WHEN 'unpaid_limit_reached' THEN
      CALL _raise('unpaid_limit_reached', 'this customer has as many unpaid units as one may have; pay for some first', NULL);
    WHEN 'customer_paused' THEN
      SELECT CEILING(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), paused_until) / 1000000)
        INTO v_seconds
        FROM customer_units
       WHERE product_id = in_product_id AND customer_id = in_customer_id;
      CALL _raise('customer_paused', 'units of this customer ran out unpaid', v_seconds);
  END CASE;
END $$

DELIMITER ;
