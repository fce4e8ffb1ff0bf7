DELIMITER $$

DROP PROCEDURE IF EXISTS set_receivers $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE set_receivers (
  IN in_receivers LONGTEXT
)
COMMENT '
Description
  Says who is told of what happens from now on; the API does so when it starts, with FLASHSALE_NOTIFY_URL. A receiver that is no longer named
  is told nothing more, and its pending notifications fail. A new receiver is told which
  products are sold out, and nothing else of what happened before.

Parameters
  in_receivers TEXT  a JSON array of 0 to 10 URLs, each a text of 1 to 255 characters; [] for nobody: then nothing is written

Result set
  receiver, created_at: a row for each; no row when nobody is told

Errors
  invalid_argument  in_receivers is none of that

Locks
  the name receivers. and the database (GET_LOCK), all receivers, then the notifications that are pending for those that are gone

Example
  mysql> CALL set_receivers(''["https://shop.example/flashsale"]'');
  +--------------------------------+----------------------------+
  | receiver                       | created_at                 |
  +--------------------------------+----------------------------+
  | https://shop.example/flashsale | 2026-11-27 08:00:00.000000 |
  +--------------------------------+----------------------------+
  mysql> CALL set_receivers(''https://shop.example'');
  ERROR 31301 (45422): invalid_argument: receivers must be a JSON array of 0 to 10 texts of 1 to 255 characters
'
BEGIN
  DECLARE v_receivers, v_gone_ids JSON;
  DECLARE v_fine, v_alone BOOLEAN;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265
    BEGIN
      ROLLBACK;
      DO RELEASE_LOCK(LEFT(CONCAT('receivers.', DATABASE()), 64));
      RESIGNAL;
    END;

    BEGIN
      DECLARE EXIT HANDLER FOR 3140, 3141, 3150, 3151, 3157 SET v_fine = FALSE;
      SET v_receivers = in_receivers;
      SET v_fine = JSON_TYPE(v_receivers) COLLATE utf8mb4_0900_bin = 'ARRAY' AND JSON_LENGTH(v_receivers) <= 10;
    END;
    IF v_fine THEN
      SELECT COUNT(*) = JSON_LENGTH(v_receivers)
        INTO v_fine
        FROM JSON_TABLE(v_receivers, '$[*]' COLUMNS (given JSON PATH '$')) AS named
       WHERE JSON_TYPE(named.given) COLLATE utf8mb4_0900_bin = 'STRING' AND CHAR_LENGTH(JSON_UNQUOTE(named.given)) BETWEEN 1 AND 255;
    END IF;
    IF v_fine IS NOT TRUE THEN
      CALL _raise('invalid_argument', 'receivers must be a JSON array of 0 to 10 texts of 1 to 255 characters', NULL);
    END IF;

    -- One at a time: two would lock each other's receivers, in whatever order they were named before. Who waits for longer goes on:
    -- a deadlock is then told, and nothing is lost.
    SET v_alone = GET_LOCK(LEFT(CONCAT('receivers.', DATABASE()), 64), 60);
    START TRANSACTION;
    DELETE r
      FROM notification_receivers AS r
      LEFT JOIN JSON_TABLE(v_receivers, '$[*]' COLUMNS (
             receiver VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS named
        ON named.receiver = r.receiver
     WHERE named.receiver IS NULL;
    -- The second of two workers that start at once finds what the first wrote.
    INSERT INTO notification_receivers (receiver, created_at)
    SELECT named.receiver, UTC_TIMESTAMP(6)
      FROM JSON_TABLE(v_receivers, '$[*]' COLUMNS (
             receiver VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin PATH '$')) AS named
     ORDER BY named.receiver
        ON DUPLICATE KEY UPDATE created_at = notification_receivers.created_at;
    COMMIT;
    DO RELEASE_LOCK(LEFT(CONCAT('receivers.', DATABASE()), 64));

    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    START TRANSACTION;
    SELECT JSON_ARRAYAGG(notification_id)
      INTO v_gone_ids
      FROM (SELECT n.notification_id
              FROM notifications AS n
             WHERE n.state = 'pending' AND n.receiver NOT IN (SELECT r.receiver FROM notification_receivers AS r)
             ORDER BY n.notification_id
             LIMIT 18446744073709551615) AS gone;
    UPDATE JSON_TABLE(v_gone_ids, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$')) AS gone
      STRAIGHT_JOIN notifications AS n FORCE INDEX (PRIMARY) ON n.notification_id = gone.id
       SET n.state = 'failed',
           n.settled_at = UTC_TIMESTAMP(6),
           n.last_error = 'its receiver is told nothing more'
     WHERE n.state = 'pending';
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT receiver, created_at FROM notification_receivers ORDER BY receiver;
  COMMIT;
END $$

DELIMITER ;
