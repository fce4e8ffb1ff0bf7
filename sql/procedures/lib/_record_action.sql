DELIMITER $$

DROP PROCEDURE IF EXISTS _record_action $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _record_action (
  IN in_action VARCHAR(32),
  IN in_product_id INT UNSIGNED,
  IN in_order_id BINARY(16),
  IN in_payment_id VARCHAR(255),
  IN in_detail VARCHAR(255),
  IN in_reason VARCHAR(255)
)
COMMENT '
Description
  Writes down who did what and why, in the transaction of its caller.

Locks
  the product, shared, by the foreign key: its caller has locked it before anything else
'
BEGIN
  INSERT INTO operator_actions (action, product_id, order_id, payment_id, detail, reason, account, created_at)
  VALUES (in_action, in_product_id, in_order_id, in_payment_id, in_detail, in_reason, USER(), UTC_TIMESTAMP(6));
END $$

DELIMITER ;
