-- How many webhooks the API refused because it could not trust them; nothing else of them is kept.
-- A row for each slot, so that a flood of forgeries does not queue on one row in front of the buyers.
CREATE TABLE webhook_refusals (
  refused_on DATE            NOT NULL COMMENT 'UTC',
  reason     ENUM('missing_signature', 'invalid_signature', 'stale_timestamp') NOT NULL,
  slot       SMALLINT        NOT NULL,
  refusals   BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (refused_on, reason, slot)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'how many webhooks the API refused on a day, for one reason';
