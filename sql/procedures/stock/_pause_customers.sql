DELIMITER $$

DROP PROCEDURE IF EXISTS _pause_customers $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _pause_customers (
  IN in_customers JSON
)
COMMENT '
Description
  Lets customers pause whose units ran out unpaid, or who let them go, in the transaction of its caller, who has locked their rows. A pause
  begins when that was, not when somebody noticed; of several the one that lasts longest counts. The one home of that rule.

Parameters
  in_customers JSON  array of [product_id, customer_id, when that was, pause_seconds of the product], each customer of a product once;
                     where one of the last two is NULL nobody pauses, and what comes after them is not read

Locks
  customer_units
'
BEGIN
  UPDATE JSON_TABLE(in_customers, '$[*]' COLUMNS (
           product_id INT UNSIGNED PATH '$[0]',
           customer_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$[1]',
           gone_at DATETIME(6) PATH '$[2]',
           pause_seconds INT PATH '$[3]')) AS gone
    STRAIGHT_JOIN customer_units AS c FORCE INDEX (PRIMARY) ON c.product_id = gone.product_id AND c.customer_id = gone.customer_id
     SET c.paused_until = GREATEST(COALESCE(c.paused_until, gone.gone_at), gone.gone_at + INTERVAL gone.pause_seconds SECOND)
   WHERE gone.gone_at IS NOT NULL AND gone.pause_seconds IS NOT NULL;
END $$

DELIMITER ;
