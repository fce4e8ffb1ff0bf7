DELIMITER $$

DROP PROCEDURE IF EXISTS _read_purchase $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _read_purchase (
  IN in_order_id BINARY(16),
  OUT out_state VARCHAR(10),
  OUT out_amount BIGINT,
  OUT out_currency CHAR(3)
)
COMMENT '
Description
  Reads where the purchase of this id stands and what it costs, for its caller, who has locked it.

Parameters
  out_state    VARCHAR  an order_state of payment_rules, without not_found, contested and sold_on, which depend on more
  out_amount   BIGINT   minor units; NULL: nothing has this id
  out_currency CHAR(3)  NULL: nothing has this id

Locks
  none
'
BEGIN
  SELECT CASE
           WHEN o.status = 'pending' THEN IF(o.pay_by > c.clock, 'pending', 'overdue')
           WHEN o.status = 'paid' THEN IF(o.fulfilled_at IS NULL, 'paid', 'fulfilled')
           WHEN o.status = 'refunded' OR o.cancelled_as = 'withdrawn' THEN COALESCE(o.cancelled_as, o.status)
           ELSE IF(p.stopped_at IS NULL, 'lapsed', 'stopped')
         END, o.amount_minor, o.currency
    INTO out_state, out_amount, out_currency
    FROM orders AS o
    JOIN products AS p ON p.product_id = o.product_id
    JOIN product_clocks AS c ON c.product_id = o.product_id
   WHERE o.order_id = in_order_id;

  IF out_state IS NULL THEN
    SELECT h.state, h.qty * h.unit_price_minor, p.currency
      INTO out_state, out_amount, out_currency
      FROM (SELECT 'held' AS state, product_id, qty, unit_price_minor FROM holds WHERE hold_id = in_order_id
             UNION ALL
            SELECT 'hold_ended', product_id, qty, unit_price_minor FROM hold_history WHERE hold_id = in_order_id) AS h
      JOIN products AS p ON p.product_id = h.product_id
     LIMIT 1;
  END IF;
  SET out_state = COALESCE(out_state, 'unknown');
END $$

DELIMITER ;
