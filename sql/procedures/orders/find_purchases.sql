DELIMITER $$

DROP PROCEDURE IF EXISTS find_purchases $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE find_purchases (
  IN in_text LONGTEXT
)
COMMENT '
Description
  Finds what a customer holds, ordered, paid or let expire, by any id or name that a person on the phone can tell. The newest hold comes
  first, 100 at most. Each is read through an index, except a customer''s live holds: it walks over all live holds, so its cost grows
  with them, and with nothing else. The view purchases shows all of it, to look at freely.

Parameters
  in_text TEXT  the id of a customer, of a hold or its order, or of a payment, the shop''s own reference of an order, or the key of a
                payment event; 1 to 255 characters, compared byte by byte

Result set
  id (of the hold and its order), reference (the shop''s own number of the order), product_id, product (its name), qty, customer_id,
  status (of a hold: held, expired, released, stopped; of an order: pending, paid, cancelled, refunded), amount (minor units), currency, payment_id (that pays or paid it),
  created_at, due_at (when the hold ends, or its payment is due), paid_at, closed_at, closed_reason; no row when nothing is found.
  A payment of no hold or order of ours has no row: list_refunds_due and list_webhooks show it

Errors
  invalid_argument  the text is NULL, empty or too long

Locks
  none

Example
  mysql> CALL find_purchases(''alice'')\\G
  *************************** 1. row ***************************
             id: 01a21c20-2b40-774a-9f04-b08ae378760d
      reference: shop-4711
     product_id: 1
        product: Limited sneaker
            qty: 2
    customer_id: alice
         status: paid
         amount: 25800
       currency: EUR
     payment_id: pi_1
     created_at: 2026-11-27 08:30:00.000000
         due_at: 2026-11-27 08:45:00.000000
        paid_at: 2026-11-27 08:31:00.000000
      closed_at: NULL
  closed_reason: NULL
  mysql> CALL find_purchases('''');
  ERROR 31301 (45422): invalid_argument: text must be a text of 1 to 255 characters
'
BEGIN
  DECLARE v_text VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin;
  DECLARE v_id BINARY(16);

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_text('text', in_text, 255);
    COMMIT;
  END;

  SET v_text = in_text;
  IF CHAR_LENGTH(v_text) = 36 AND IS_UUID(v_text) THEN
    SET v_id = UUID_TO_BIN(v_text);
  END IF;
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  -- An id begins with its time, so the greatest are the newest, and an index that ends in the primary key has them in that order.
  -- The holds that were ordered stand for their orders: to leave them out first, all of a customer's rows would have to be read.
  WITH found AS (
    SELECT v_id AS id
     UNION
    SELECT w.order_id FROM payments AS w WHERE w.payment_id = v_text
     UNION
    SELECT named.order_id FROM orders AS named WHERE named.reference = v_text
     UNION
    SELECT COALESCE(w.order_id, e.order_id)
      FROM payment_webhooks AS e
      LEFT JOIN payments AS w ON w.payment_id = e.payment_id
     WHERE e.idempotency_key = v_text
     UNION
    SELECT mine.order_id FROM (SELECT order_id FROM orders WHERE customer_id = v_text ORDER BY order_id DESC LIMIT 100) AS mine
     UNION
    SELECT mine.hold_id FROM (SELECT hold_id FROM hold_history WHERE customer_id = v_text ORDER BY hold_id DESC LIMIT 100) AS mine
     UNION
    SELECT h.hold_id FROM holds AS h WHERE h.customer_id = v_text)
  SELECT COALESCE(o.order_uuid, h.hold_uuid, e.hold_uuid) AS id, o.reference, p.product_id, p.name AS product,
         COALESCE(o.qty, h.qty, e.qty) AS qty, COALESCE(o.customer_id, h.customer_id, e.customer_id) AS customer_id,
         COALESCE(o.status, e.ended_as, IF(h.is_live, 'held', 'expired')) AS status,
         COALESCE(o.amount_minor, h.qty * h.unit_price_minor, e.qty * e.unit_price_minor) AS amount,
         COALESCE(o.currency, p.currency) AS currency, o.payment_id, COALESCE(o.created_at, h.created_at, e.created_at) AS created_at,
         COALESCE(d.pay_by, h.ends_at, e.expires_at) AS due_at, o.paid_at,
         IF(o.order_id IS NULL, e.ended_at, o.closed_at) AS closed_at, o.closed_reason
    FROM found AS f
    LEFT JOIN orders AS o ON o.order_id = f.id
    LEFT JOIN order_deadlines AS d ON d.order_id = f.id
    LEFT JOIN hold_deadlines AS h ON h.hold_id = f.id
    LEFT JOIN hold_history AS e ON e.hold_id = f.id
    JOIN products AS p ON p.product_id = COALESCE(o.product_id, h.product_id, e.product_id)
   ORDER BY f.id DESC
   LIMIT 100;
  COMMIT;
END $$

DELIMITER ;
