DELIMITER $$

DROP PROCEDURE IF EXISTS _find_payment $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _find_payment (
  IN in_order_ref VARCHAR(255),
  IN in_payment_id VARCHAR(255),
  IN in_status VARCHAR(15),
  OUT out_payment_id VARCHAR(255),
  OUT out_order_id BINARY(16)
)
COMMENT '
Description
  Finds which payment an event is about, and which order that payment is for. A payment that the event does not name is the one that
  its order has, or the one with the order''s own id; an order that it does not name is the order of its payment. A payment stays
  with its order; only a success of one that nothing came in of may name another.

Parameters
  in_order_ref   VARCHAR     what the event names as its order; NULL: nothing
  in_payment_id  VARCHAR     NULL: it names none
  out_order_id   BINARY(16)  NULL: it is not known

Locks
  none: the caller locks what was found and looks again
'
BEGIN
  DECLARE v_known_id VARCHAR(255);
  DECLARE v_order_id BINARY(16);
  DECLARE v_received BOOLEAN;

  SET out_order_id = IF(CHAR_LENGTH(in_order_ref) = 36 AND IS_UUID(in_order_ref), UUID_TO_BIN(in_order_ref), NULL),
      out_payment_id = COALESCE(in_payment_id, LOWER(BIN_TO_UUID(out_order_id)), in_order_ref);
  IF in_payment_id IS NULL AND in_status <> 'succeeded' THEN
    SELECT IF(COUNT(*) = 1, MIN(payment_id), out_payment_id)
      INTO out_payment_id
      FROM payments
     WHERE order_id = out_order_id;
  END IF;

  SELECT payment_id, order_id, received_at IS NOT NULL
    INTO v_known_id, v_order_id, v_received
    FROM payments
   WHERE payment_id = out_payment_id;
  IF v_order_id IS NOT NULL AND (v_received OR in_status <> 'succeeded' OR out_order_id IS NULL) THEN
    SET out_order_id = v_order_id;
  END IF;
END $$

DELIMITER ;
