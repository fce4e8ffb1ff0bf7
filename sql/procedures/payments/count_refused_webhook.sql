DELIMITER $$

DROP PROCEDURE IF EXISTS count_refused_webhook $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE count_refused_webhook (
  IN in_reason LONGTEXT
)
COMMENT '
Description
  Counts a webhook that the API refused, because it could not trust it; nothing else is kept of it.

Parameters
  in_reason TEXT  missing_signature, invalid_signature or stale_timestamp

Result set
  refused_on (UTC date), reason, refusals (of this reason on this day)

Errors
  invalid_argument  the reason is another

Locks
  one of 64 rows that share the count of the day

Example
  mysql> CALL count_refused_webhook(''invalid_signature'');
  +------------+-------------------+----------+
  | refused_on | reason            | refusals |
  +------------+-------------------+----------+
  | 2026-11-27 | invalid_signature |        1 |
  +------------+-------------------+----------+
  mysql> CALL count_refused_webhook(''ugly'');
  ERROR 31301 (45422): invalid_argument: reason must be missing_signature, invalid_signature or stale_timestamp
'
BEGIN
  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION, 1265 BEGIN ROLLBACK; RESIGNAL; END;

    IF (in_reason IN ('missing_signature', 'invalid_signature', 'stale_timestamp')) IS NOT TRUE THEN
      CALL _raise('invalid_argument', 'reason must be missing_signature, invalid_signature or stale_timestamp', NULL);
    END IF;
    START TRANSACTION;
    INSERT INTO webhook_refusals (refused_on, reason, slot, refusals)
    VALUES (UTC_DATE(), in_reason, CONNECTION_ID() MOD 64, 1)
        ON DUPLICATE KEY UPDATE refusals = refusals + 1;
    COMMIT;
  END;

  SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
  SELECT UTC_DATE() AS refused_on, in_reason AS reason, CAST(SUM(refusals) AS UNSIGNED) AS refusals
    FROM webhook_refusals
   WHERE refused_on = UTC_DATE() AND reason = in_reason;
  COMMIT;
END $$

DELIMITER ;
