DELIMITER $$

DROP PROCEDURE IF EXISTS _use_key $$

CREATE DEFINER = flashsale_owner@localhost PROCEDURE _use_key (
  IN in_idempotency_key LONGTEXT,
  IN in_procedure VARCHAR(64),
  IN in_parameters JSON,
  OUT out_replayed BOOLEAN
)
COMMENT '
Description
  Writes down that an operator changes something under a key, in the transaction of its caller, or finds that it was changed before. The
  caller has locked what it is about to change: of two who repeat at once the second comes here when the first has committed.

Parameters
  in_idempotency_key TEXT     NULL: none, so nothing is a repeat
  in_parameters      JSON     array of what the caller was given, but the key
  out_replayed       BOOLEAN  TRUE: the same was done before under this key, so that nothing is to be done

Errors
  idempotency_key_reused  the key belongs to another procedure, or to other parameters
  invalid_argument        the key is empty or too long

Locks
  the key
'
BEGIN
  DECLARE v_same BOOLEAN;

  SET out_replayed = FALSE;
  IF in_idempotency_key IS NOT NULL THEN
    CALL _require_text('idempotency_key', in_idempotency_key, 255);
    BEGIN
      DECLARE EXIT HANDLER FOR 1062 SET out_replayed = TRUE;
      INSERT INTO operator_keys (idempotency_key, procedure_name, parameters, account, created_at)
      VALUES (in_idempotency_key, in_procedure, in_parameters, USER(), UTC_TIMESTAMP(6));
    END;
    IF out_replayed THEN
      SELECT procedure_name = in_procedure AND parameters = in_parameters
        INTO v_same
        FROM operator_keys
       WHERE idempotency_key = in_idempotency_key;
      IF v_same IS NOT TRUE THEN
        CALL _raise('idempotency_key_reused', 'this key belongs to something else that an operator did; use a new key', NULL);
      END IF;
    END IF;
  END IF;
END $$

DELIMITER ;
