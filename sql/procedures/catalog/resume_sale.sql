DELIMITER $$

DROP PROCEDURE IF EXISTS resume_sale $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE resume_sale (
  IN in_product_id LONGTEXT,
  IN in_reason LONGTEXT,
  IN in_idempotency_key LONGTEXT
)
COMMENT '
Description
  Goes on with a sale that was paused: holds, paid holds and pending orders have as much time left as when the pause began, or when they were
  made in it. Resuming again changes nothing. What had run out before the pause has still run out. A sale that was stopped or has ended
  meanwhile does not go on.

Parameters
  in_product_id      BIGINT
  in_reason          TEXT  1 to 255 characters, kept with your account in stock_ledger
  in_idempotency_key TEXT  1 to 255 characters, compared byte by byte; a repeat changes nothing; NULL: no protection

Result set
  the product, as get_product returns it; replayed is 1 for a repeat: nothing changed

Errors
  product_not_found       no product has this id
  idempotency_key_reused  the key belongs to something else that an operator did
  invalid_argument        a parameter is NULL, out of bounds or too long

Locks
  the product, its live holds, its pending orders

Example
  mysql> CALL resume_sale(1, ''the shop is back'', NULL)\\G
  *************************** 1. row ***************************
  product_id: 1
        name: Limited sneaker
   paused_at: NULL
           …
  mysql> CALL resume_sale(NULL, ''the shop is back'', NULL);
  ERROR 31301 (45422): invalid_argument: product_id must be a whole number from 1 to 2147483647
'
BEGIN
  DECLARE v_microseconds BIGINT;
  DECLARE v_replayed BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    CALL _require_number('product_id', in_product_id, 1, 2147483647);
    CALL _require_text('reason', in_reason, 255);

    START TRANSACTION;
    CALL _lock_product(in_product_id);
    CALL _use_key(in_idempotency_key, 'resume_sale', JSON_ARRAY(in_product_id, in_reason), v_replayed);
    IF NOT v_replayed THEN
      CALL _end_pause(in_product_id, v_microseconds);
    END IF;
    SET v_replayed = v_microseconds IS NULL;
    IF NOT v_replayed THEN
      CALL _record_action('resume_sale', in_product_id, NULL, NULL, CONCAT('paused for ', v_microseconds DIV 1000000, ' s'), in_reason);
    END IF;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  CALL _select_products(in_product_id, v_replayed);
  COMMIT;
END $$

DELIMITER ;
