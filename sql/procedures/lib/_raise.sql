DELIMITER $$

DROP PROCEDURE IF EXISTS _raise $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _raise (
  IN in_slug VARCHAR(64),
  IN in_detail TEXT,
  IN in_retry_seconds BIGINT
)
COMMENT '
Description
  Refuses: the one place where an error of the sale gets its SQLSTATE and number. SQLSTATE is 45 and the HTTP status.

Parameters
  in_slug          VARCHAR  the error; one of those below
  in_detail        TEXT     what happened and what to do; cut so that the whole message has 128 characters
  in_retry_seconds BIGINT   after how many seconds the refusal ends by itself, NULL: it does not. The message then ends in
                            ; retry after N s, of which the API makes the header Retry-After
'
BEGIN
  DECLARE v_retry VARCHAR(40) DEFAULT COALESCE(CONCAT('; retry after ', GREATEST(in_retry_seconds, 1), ' s'), '');
  DECLARE v_message VARCHAR(128) DEFAULT CONCAT(LEFT(CONCAT(in_slug, ': ', in_detail), 128 - CHAR_LENGTH(v_retry)), v_retry);

  CASE in_slug
    WHEN 'product_not_found'      THEN SIGNAL SQLSTATE '45404' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT = v_message;
    WHEN 'hold_not_found'         THEN SIGNAL SQLSTATE '45404' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT = v_message;
    WHEN 'order_not_found'        THEN SIGNAL SQLSTATE '45404' SET MYSQL_ERRNO = 31003, MESSAGE_TEXT = v_message;
    WHEN 'webhook_not_found'      THEN SIGNAL SQLSTATE '45404' SET MYSQL_ERRNO = 31004, MESSAGE_TEXT = v_message;
    WHEN 'payment_not_found'      THEN SIGNAL SQLSTATE '45404' SET MYSQL_ERRNO = 31005, MESSAGE_TEXT = v_message;
    WHEN 'sold_out'               THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31101, MESSAGE_TEXT = v_message;
    WHEN 'hold_already_used'      THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31102, MESSAGE_TEXT = v_message;
    WHEN 'customer_limit_reached' THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31103, MESSAGE_TEXT = v_message;
    WHEN 'sale_not_started'       THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31104, MESSAGE_TEXT = v_message;
    WHEN 'sale_ended'             THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31105, MESSAGE_TEXT = v_message;
    WHEN 'order_not_cancellable'  THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31106, MESSAGE_TEXT = v_message;
    WHEN 'stock_in_use'           THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31107, MESSAGE_TEXT = v_message;
    WHEN 'unpaid_limit_reached'   THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31108, MESSAGE_TEXT = v_message;
    WHEN 'customer_paused'        THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31109, MESSAGE_TEXT = v_message;
    WHEN 'extension_not_allowed'  THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31110, MESSAGE_TEXT = v_message;
    WHEN 'refund_not_due'         THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31111, MESSAGE_TEXT = v_message;
    WHEN 'webhook_settled'        THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31112, MESSAGE_TEXT = v_message;
    WHEN 'order_not_fulfillable'  THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31113, MESSAGE_TEXT = v_message;
    WHEN 'payment_not_acceptable' THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31114, MESSAGE_TEXT = v_message;
    WHEN 'reference_taken'        THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31115, MESSAGE_TEXT = v_message;
    WHEN 'sale_paused'            THEN SIGNAL SQLSTATE '45409' SET MYSQL_ERRNO = 31116, MESSAGE_TEXT = v_message;
    WHEN 'hold_expired'           THEN SIGNAL SQLSTATE '45410' SET MYSQL_ERRNO = 31201, MESSAGE_TEXT = v_message;
    WHEN 'hold_released'          THEN SIGNAL SQLSTATE '45410' SET MYSQL_ERRNO = 31202, MESSAGE_TEXT = v_message;
    WHEN 'invalid_argument'       THEN SIGNAL SQLSTATE '45422' SET MYSQL_ERRNO = 31301, MESSAGE_TEXT = v_message;
    WHEN 'quantity_above_limit'   THEN SIGNAL SQLSTATE '45422' SET MYSQL_ERRNO = 31302, MESSAGE_TEXT = v_message;
    WHEN 'idempotency_key_reused' THEN SIGNAL SQLSTATE '45422' SET MYSQL_ERRNO = 31303, MESSAGE_TEXT = v_message;
  END CASE;
END $$

DELIMITER ;
