DELIMITER $$

DROP PROCEDURE IF EXISTS _end_holds $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _end_holds (
  IN in_product_id INT UNSIGNED,
  IN in_hold_ids JSON,
  IN in_ended_as VARCHAR(8)
)
COMMENT '
Description
  Ends live holds of one product, in the transaction of its caller, who has locked them: archives them with the reason and,
  unless an order takes the units over, gives the units back. STRAIGHT_JOIN: a plan that begins with the table would lock
  the rows of every other buyer.

Parameters
  in_product_id INT
  in_hold_ids   JSON     array of ids as texts; NULL is none
  in_ended_as   VARCHAR  ordered, expired or released

Locks
  customer_units, then stock_stripes
'
BEGIN
  DECLARE v_units INT;
  DECLARE v_counts BOOLEAN;
  DECLARE v_pause_seconds INT;

  INSERT INTO hold_history
         (hold_id, product_id, qty, customer_id, idempotency_key, created_at, expires_at, extended_at, ended_at, ended_as)
  SELECT h.hold_id, h.product_id, h.qty, h.customer_id, h.idempotency_key, h.created_at, h.expires_at, h.extended_at,
         UTC_TIMESTAMP(6), in_ended_as
    FROM JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
    STRAIGHT_JOIN holds AS h ON h.hold_id = UUID_TO_BIN(ended.id);

  DELETE h
    FROM JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
    STRAIGHT_JOIN holds AS h ON h.hold_id = UUID_TO_BIN(ended.id);

  IF in_ended_as <> 'ordered' THEN
    SELECT counts_customers, IF(in_ended_as = 'expired', pause_seconds, NULL)
      INTO v_counts, v_pause_seconds
      FROM products
     WHERE product_id = in_product_id;
    IF v_counts THEN
      -- A pause begins when the hold expired, not when somebody noticed; of several the longest counts.
      UPDATE (SELECT h.customer_id, SUM(h.qty) AS units, MAX(h.expires_at) AS expired_at
                FROM JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
                STRAIGHT_JOIN hold_history AS h ON h.hold_id = UUID_TO_BIN(ended.id)
               GROUP BY h.customer_id) AS freed
        STRAIGHT_JOIN customer_units AS c ON c.product_id = in_product_id AND c.customer_id = freed.customer_id
         SET c.units = c.units - freed.units,
             c.unpaid_units = c.unpaid_units - freed.units,
             c.paused_until = IF(v_pause_seconds IS NULL, c.paused_until,
                                 GREATEST(COALESCE(c.paused_until, freed.expired_at),
                                          freed.expired_at + INTERVAL v_pause_seconds SECOND));
    END IF;

    SELECT SUM(h.qty)
      INTO v_units
      FROM JSON_TABLE(in_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS ended
      STRAIGHT_JOIN hold_history AS h ON h.hold_id = UUID_TO_BIN(ended.id);
    CALL _return_units(in_product_id, v_units);
  END IF;
END $$

DELIMITER ;
