DELIMITER $$

DROP PROCEDURE IF EXISTS forget_customer $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE forget_customer (
  IN in_customer_id LONGTEXT,
  IN in_reason LONGTEXT
)
COMMENT '
Description
  Removes a person from all tables: a random name replaces the customer''s id, the same one everywhere, notifications included, so that
  limits and counts stay right. Payloads of the events of the customer''s payments are emptied, and so is the metadata of the orders. Ids
  and references of orders and ids of payments stay: they are the shop''s and the provider''s. The reasons that operators wrote stay too.

Parameters
  in_customer_id TEXT  1 to 128 characters, compared byte by byte
  in_reason      TEXT  1 to 255 characters, without the customer''s name, kept with your account in stock_ledger

Result set
  customer_id (the name that took its place), holds, orders, payloads (how many rows each)

Errors
  invalid_argument  a parameter is NULL, empty or too long

Locks
  the products that count customers, and those of which this one has something; the customer''s holds, orders, their payments and
  webhooks, notifications, customer_units

Example
  mysql> CALL forget_customer(''alice'', ''asked by letter'');
  +--------------------------------------------+-------+--------+----------+
  | customer_id                                | holds | orders | payloads |
  +--------------------------------------------+-------+--------+----------+
  | forgotten-5b7b1dd0d2a14c7f9e7f36e8a10c44d2 |     1 |      1 |        1 |
  +--------------------------------------------+-------+--------+----------+
  mysql> CALL forget_customer('''', ''asked by letter'');
  ERROR 31301 (45422): invalid_argument: customer_id must be a text of 1 to 128 characters
'
BEGIN
  DECLARE v_name VARCHAR(128) DEFAULT CONCAT('forgotten-', LOWER(HEX(RANDOM_BYTES(16))));
  DECLARE v_product_ids, v_hold_ids, v_ended_ids, v_order_ids JSON;
  DECLARE v_holds, v_orders, v_payloads BIGINT DEFAULT 0;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_text('customer_id', in_customer_id, 128);
    CALL _require_text('reason', in_reason, 255);

    START TRANSACTION;
    -- In the order of locks, all rows found without a lock and locked by their primary keys. The products: nobody holds what is counted
    -- per customer meanwhile, so that a hold and its count can't get different names, and nobody reclaims this customer's units.
    SELECT JSON_ARRAYAGG(product_id)
      INTO v_product_ids
      FROM (SELECT product_id
              FROM products
             WHERE counts_customers
                OR product_id IN (SELECT product_id FROM holds WHERE customer_id = in_customer_id
                                   UNION
                                  SELECT product_id FROM orders WHERE customer_id = in_customer_id)
             ORDER BY product_id
               FOR UPDATE) AS mine;
    SELECT JSON_ARRAYAGG(hold_uuid)
      INTO v_hold_ids
      FROM (SELECT hold_uuid FROM holds WHERE customer_id = in_customer_id ORDER BY hold_id LIMIT 18446744073709551615) AS mine;
    UPDATE JSON_TABLE(v_hold_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS mine
      STRAIGHT_JOIN holds AS h FORCE INDEX (PRIMARY) ON h.hold_id = UUID_TO_BIN(mine.id)
       SET h.customer_id = v_name;
    SET v_holds = ROW_COUNT();
    SELECT JSON_ARRAYAGG(hold_uuid)
      INTO v_ended_ids
      FROM (SELECT hold_uuid FROM hold_history WHERE customer_id = in_customer_id ORDER BY hold_id LIMIT 18446744073709551615) AS mine;
    UPDATE JSON_TABLE(v_ended_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS mine
      STRAIGHT_JOIN hold_history AS h FORCE INDEX (PRIMARY) ON h.hold_id = UUID_TO_BIN(mine.id)
       SET h.customer_id = v_name;
    SET v_holds = v_holds + ROW_COUNT();
    SELECT JSON_ARRAYAGG(order_uuid)
      INTO v_order_ids
      FROM (SELECT order_uuid FROM orders WHERE customer_id = in_customer_id ORDER BY order_id LIMIT 18446744073709551615) AS mine;
    UPDATE JSON_TABLE(v_order_ids, '$[*]' COLUMNS (id CHAR(36) PATH '$')) AS mine
      STRAIGHT_JOIN orders AS o FORCE INDEX (PRIMARY) ON o.order_id = UUID_TO_BIN(mine.id)
       SET o.customer_id = v_name, o.metadata = NULL;
    SET v_orders = ROW_COUNT();
    UPDATE JSON_TABLE(JSON_MERGE_PRESERVE(COALESCE(v_ended_ids, '[]'), COALESCE(v_order_ids, '[]')), '$[*]' COLUMNS (
             id CHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS mine
      STRAIGHT_JOIN notifications AS n FORCE INDEX (ix_notifications_subject_receiver) ON n.subject = mine.id
       SET n.body = JSON_REPLACE(n.body, '$.data.customer_id', v_name);
    CALL _empty_payloads(JSON_MERGE_PRESERVE(COALESCE(v_hold_ids, '[]'), COALESCE(v_ended_ids, '[]'), COALESCE(v_order_ids, '[]')),
                         v_payloads);
    UPDATE JSON_TABLE(v_product_ids, '$[*]' COLUMNS (id INT UNSIGNED PATH '$')) AS mine
      STRAIGHT_JOIN customer_units AS c FORCE INDEX (PRIMARY) ON c.product_id = mine.id AND c.customer_id = in_customer_id
       SET c.customer_id = v_name;
    CALL _record_action('forget_customer', NULL, NULL, NULL, v_name, in_reason);
    COMMIT;
  END;

  SELECT v_name AS customer_id, v_holds AS holds, v_orders AS orders, v_payloads AS payloads;
END $$

DELIMITER ;
