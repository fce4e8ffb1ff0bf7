DELIMITER $$

DROP PROCEDURE IF EXISTS _end_pause $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _end_pause (
  IN in_product_id INT UNSIGNED,
  OUT out_microseconds BIGINT
)
COMMENT '
Description
  Ends the pause of a sale, in the transaction of its caller, who has locked the product for writing: what had not run out when the pause
  began gets the time back that the pause took from it. What is live is found without a lock and locked by its primary key, in the order
  in which everybody who gives back what expired locks it.

Parameters
  out_microseconds BIGINT  how long the pause was; NULL: the sale is not paused

Locks
  the live holds of the product, then its pending orders
'
BEGIN
  DECLARE v_paused_at DATETIME(6);
  DECLARE v_hold_ids, v_order_ids JSON;

  SELECT paused_at INTO v_paused_at FROM products WHERE product_id = in_product_id;
  SELECT JSON_ARRAYAGG(hold_uuid)
    INTO v_hold_ids
    FROM (SELECT h.hold_uuid
            FROM (SELECT hold_id
                    FROM holds FORCE INDEX (ix_holds_product_id_expires_at)
                   WHERE product_id = in_product_id AND expires_at > v_paused_at
                   ORDER BY expires_at
                   LIMIT 18446744073709551615) AS live
            STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = live.hold_id
             FOR UPDATE OF h) AS mine;
  SELECT JSON_ARRAYAGG(order_uuid)
    INTO v_order_ids
    FROM (SELECT o.order_uuid
            FROM (SELECT order_id
                    FROM orders FORCE INDEX (ix_orders_product_id_status_pay_by)
                   WHERE product_id = in_product_id AND status = 'pending' AND pay_by > v_paused_at
                   ORDER BY pay_by
                   LIMIT 18446744073709551615) AS unpaid
            STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = unpaid.order_id
           WHERE o.status = 'pending'
             FOR UPDATE OF o) AS mine;

  -- The pause ends now, when all that was waited for is locked.
  SELECT IF(paused_at IS NULL, NULL, paused_microseconds) INTO out_microseconds FROM product_clocks WHERE product_id = in_product_id;
  -- A paid hold was due at order_at, and would be at unpaid_until if its money went back; while it was waited for that may have happened.
  UPDATE JSON_TABLE(v_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS mine
    STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = UUID_TO_BIN(mine.id)
     SET h.expires_at = h.expires_at + INTERVAL IF(h.order_at IS NULL AND h.expires_at > v_paused_at, out_microseconds, 0) MICROSECOND,
         h.order_at = h.order_at + INTERVAL IF(h.order_at > v_paused_at, out_microseconds, 0) MICROSECOND,
         h.unpaid_until = h.unpaid_until + INTERVAL IF(h.unpaid_until > v_paused_at, out_microseconds, 0) MICROSECOND;
  SELECT JSON_ARRAYAGG(JSON_ARRAY(mine.id, d.pay_by))
    INTO v_order_ids
    FROM JSON_TABLE(v_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS mine
    STRAIGHT_JOIN order_deadlines AS d ON d.order_id = UUID_TO_BIN(mine.id);
  UPDATE JSON_TABLE(v_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$[0]', pay_by DATETIME(6) PATH '$[1]')) AS mine
    STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = UUID_TO_BIN(mine.id)
     SET o.pay_by = mine.pay_by;

  UPDATE products SET paused_at = NULL WHERE product_id = in_product_id;
END $$

DELIMITER ;
