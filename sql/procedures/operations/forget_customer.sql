DELIMITER $$

DROP PROCEDURE IF EXISTS forget_customer $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE forget_customer (
  IN in_customer_id LONGTEXT,
  IN in_reason LONGTEXT
)
COMMENT '
Description
  Removes a person from all tables: wherever the customer''s id stands a random name takes its place, the same everywhere, so that
  limits and counts stay right; payloads of the events of the customer''s payments are emptied. Ids of orders and payments stay: they
  are the shop''s and the provider''s. What operators wrote as a reason stays too.

Parameters
  in_customer_id TEXT  1 to 128 characters, compared byte by byte
  in_reason      TEXT  1 to 255 characters, without the customer''s name, kept with your account in stock_ledger

Result set
  customer_id (the name that took its place), holds, orders, payloads (how many rows each)

Errors
  invalid_argument  a parameter is NULL, empty or too long

Locks
  the products that count customers; the customer''s holds, orders, the webhooks of their payments, customer_units

Example
  mysql> CALL forget_customer(''alice'', ''asked by letter'');
  +---------------------------------------+-------+--------+----------+
  | customer_id                           | holds | orders | payloads |
  +---------------------------------------+-------+--------+----------+
  | forgotten-5b7b1dd0d2a14c7f9e7f36e8a1  |     1 |      1 |        1 |
  +---------------------------------------+-------+--------+----------+
  mysql> CALL forget_customer('''', ''asked by letter'');
  ERROR 31301 (45422): invalid_argument: customer_id must be a text of 1 to 128 characters
'
BEGIN
  DECLARE v_name VARCHAR(128) DEFAULT CONCAT('forgotten-', LOWER(HEX(RANDOM_BYTES(16))));
  DECLARE v_product_ids JSON;
  DECLARE v_holds, v_orders, v_payloads BIGINT DEFAULT 0;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_text('customer_id', in_customer_id, 128);
    CALL _require_text('reason', in_reason, 255);

    START TRANSACTION;
    -- In the order of locks; STRAIGHT_JOIN so that only the rows of this customer are locked. Nobody holds what is counted per customer
    -- meanwhile, so that a hold and its count can't get different names.
    SELECT JSON_ARRAYAGG(product_id)
      INTO v_product_ids
      FROM (SELECT product_id FROM products WHERE counts_customers ORDER BY product_id FOR UPDATE) AS counted;
    UPDATE (SELECT hold_id FROM holds WHERE customer_id = in_customer_id ORDER BY hold_id LIMIT 18446744073709551615) AS mine
      STRAIGHT_JOIN holds AS h ON h.hold_id = mine.hold_id
       SET h.customer_id = v_name;
    SET v_holds = ROW_COUNT();
    UPDATE hold_history SET customer_id = v_name WHERE customer_id = in_customer_id;
    SET v_holds = v_holds + ROW_COUNT();
    UPDATE (SELECT order_id FROM orders WHERE customer_id = in_customer_id ORDER BY order_id LIMIT 18446744073709551615) AS mine
      STRAIGHT_JOIN orders AS o ON o.order_id = mine.order_id
       SET o.customer_id = v_name;
    SET v_orders = ROW_COUNT();
    -- Of the payments, and what moved none (payment_id NULL) but names a purchase.
    UPDATE (WITH purchases AS (
              SELECT order_id FROM orders WHERE customer_id = v_name
               UNION
              SELECT hold_id FROM hold_history WHERE customer_id = v_name
               UNION
              SELECT hold_id FROM holds WHERE customer_id = v_name)
            SELECT w.webhook_id
              FROM purchases AS b
              STRAIGHT_JOIN payments AS p ON p.order_id = b.order_id
              STRAIGHT_JOIN payment_webhooks AS w ON w.payment_id = p.payment_id
             WHERE w.payload IS NOT NULL
             UNION
            SELECT w.webhook_id
              FROM payment_webhooks AS w
              JOIN purchases AS b ON b.order_id = w.order_id
             WHERE w.payment_id IS NULL AND w.payload IS NOT NULL
             ORDER BY webhook_id
             LIMIT 18446744073709551615) AS mine
      STRAIGHT_JOIN payment_webhooks AS w ON w.webhook_id = mine.webhook_id
       SET w.payload = NULL;
    SET v_payloads = ROW_COUNT();
    UPDATE JSON_TABLE(v_product_ids, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) AS counted
      STRAIGHT_JOIN customer_units AS c ON c.product_id = counted.id AND c.customer_id = in_customer_id
       SET c.customer_id = v_name;
    CALL _record_action('forget_customer', NULL, NULL, NULL, v_name, in_reason);
    COMMIT;
  END;

  SELECT v_name AS customer_id, v_holds AS holds, v_orders AS orders, v_payloads AS payloads;
END $$

DELIMITER ;
