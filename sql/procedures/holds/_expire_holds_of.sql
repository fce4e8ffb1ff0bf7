DELIMITER $$

DROP PROCEDURE IF EXISTS _expire_holds_of $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _expire_holds_of (
  IN in_product_id INT UNSIGNED,
  IN in_limit INT,
  OUT out_holds INT,
  OUT out_units INT
)
COMMENT '
Description
  Ends up to in_limit holds of a product that have expired, oldest first, in the transaction of its caller.
  A hold that somebody is working on (an order, a webhook) is skipped: its fate is theirs to decide.
  It is found without a lock and locked by its primary key, as everybody else locks it: whoever locks the index on expires_at
  first and the row afterwards meets, in a deadlock, those who do it the other way round.

Parameters
  in_product_id INT
  in_limit      INT
  out_holds     INT  holds ended
  out_units     INT  units given back

Locks
  holds (skipping locked ones), then customer_units, then stock_stripes
'
BEGIN
  DECLARE v_hold_ids JSON;

  SELECT JSON_ARRAYAGG(BIN_TO_UUID(hold_id)), COUNT(*), COALESCE(SUM(qty), 0)
    INTO v_hold_ids, out_holds, out_units
    FROM (SELECT h.hold_id, h.qty
            FROM (SELECT hold_id
                    FROM holds
                   WHERE product_id = in_product_id AND expires_at <= UTC_TIMESTAMP(6)
                   ORDER BY expires_at
                   LIMIT in_limit) AS expired
            STRAIGHT_JOIN holds AS h ON h.hold_id = expired.hold_id
             FOR UPDATE OF h SKIP LOCKED) AS mine;

  IF out_holds > 0 THEN
    CALL _end_holds(in_product_id, v_hold_ids, 'expired');
  END IF;
END $$

DELIMITER ;
