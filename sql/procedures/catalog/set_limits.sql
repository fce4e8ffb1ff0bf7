DELIMITER $$

DROP PROCEDURE IF EXISTS set_limits $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE set_limits (
  IN in_product_id LONGTEXT,
  IN in_max_per_customer LONGTEXT,
  IN in_max_unpaid_percent LONGTEXT,
  IN in_pause_seconds LONGTEXT,
  IN in_extension_seconds LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Sets what one customer may do; each limit is off when NULL, and all are set at once. You can begin to limit customers only
  while nothing is held or sold; limits that are on can be changed or switched off at any time.

Parameters
  in_product_id         BIGINT  the product
  in_max_per_customer   BIGINT  units in live holds and live orders together, 1 to 2,147,483,647; NULL: any
  in_max_unpaid_percent BIGINT  share of stock_total that may be in live holds and unpaid orders, 1 to 100, but one
                                unit at least; NULL: any
  in_pause_seconds      BIGINT  how long a customer may not hold again after a hold or order ended unpaid:
                                expired, released, not paid in time, payment failed, cancelled by the buyer,
                                1 to 2,592,000; NULL: no pause
  in_extension_seconds  BIGINT  by how much extend_hold lets a hold live longer, once, 1 to 86,400; NULL: not at all
  in_reason             TEXT    1 to 255 characters, kept with your account in stock_ledger
  in_idempotency_key    TEXT    1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the product, as get_product returns it; replayed is 1 for a repeat: nothing changed

Errors
  product_not_found       no product has this id
  stock_in_use            customers were not limited yet, and something is held or sold already
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is out of bounds

Locks
  the product, customer_units

Example
  mysql> CALL set_limits(1, 2, NULL, 60, 30, ''two a customer'', NULL)\\G
  *************************** 1. row ***************************
          product_id: 1
                name: Limited sneaker
    max_per_customer: 2
  max_unpaid_percent: NULL
       pause_seconds: 60
   extension_seconds: 30
                   …
  mysql> CALL set_limits(1, 0, NULL, NULL, NULL, ''none'', NULL);
  ERROR 31301 (45422): invalid_argument: max_per_customer must be a whole number from 1 to 2147483647
'
BEGIN
  DECLARE v_product_id INT UNSIGNED;
  DECLARE v_counts, v_will_count, v_live, v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    CALL _require_number('max_per_customer', COALESCE(in_max_per_customer, 1), 1, 2147483647);
    CALL _require_number('max_unpaid_percent', COALESCE(in_max_unpaid_percent, 1), 1, 100);
    CALL _require_number('pause_seconds', COALESCE(in_pause_seconds, 1), 1, 2592000);
    CALL _require_number('extension_seconds', COALESCE(in_extension_seconds, 1), 1, 86400);
    CALL _require_text('reason', in_reason, 255);
    SET v_product_id = in_product_id;
    SET v_will_count = COALESCE(in_max_per_customer, in_max_unpaid_percent, in_pause_seconds) IS NOT NULL;

    START TRANSACTION;
    CALL _lock_product(in_product_id);
    CALL _use_key(in_idempotency_key, 'set_limits',
                  JSON_ARRAY(in_product_id, in_max_per_customer, in_max_unpaid_percent, in_pause_seconds, in_extension_seconds, in_reason),
                  v_replayed);
    IF NOT v_replayed THEN
      SELECT counts_customers,
             EXISTS (SELECT 1 FROM holds WHERE product_id = v_product_id)
             OR EXISTS (SELECT 1 FROM orders WHERE product_id = v_product_id AND status IN ('pending', 'paid'))
             OR EXISTS (SELECT 1 FROM orders WHERE product_id = v_product_id AND status = 'refunded' AND fulfilled_at IS NOT NULL)
        INTO v_counts, v_live
        FROM products
       WHERE product_id = v_product_id;
      IF v_will_count AND NOT v_counts AND v_live THEN
        CALL _raise('stock_in_use', 'units are held or sold without being counted per customer; set limits before the sale', NULL);
      END IF;
      UPDATE products
         SET max_per_customer = in_max_per_customer,
             max_unpaid_percent = in_max_unpaid_percent,
             pause_seconds = in_pause_seconds,
             extension_seconds = in_extension_seconds
       WHERE product_id = v_product_id;
      IF NOT v_will_count THEN
        DELETE FROM customer_units WHERE product_id = v_product_id;
      END IF;
      CALL _record_action('set_limits', in_product_id, NULL, NULL,
                          COALESCE(NULLIF(CONCAT_WS(', ', CONCAT(in_max_per_customer, ' a customer'),
                                                    CONCAT(in_max_unpaid_percent, ' % unpaid'),
                                                    CONCAT('pause ', in_pause_seconds, ' s'),
                                                    CONCAT('extension ', in_extension_seconds, ' s')), ''), 'no limits'),
                          in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(in_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
