-- Who is told. While it is empty no notification is written, and the sale pays for one read of an empty table.
CREATE TABLE notification_receivers (
  receiver   VARCHAR(255) NOT NULL COMMENT 'the URL of a receiver, as FLASHSALE_NOTIFY_URL has it',
  created_at DATETIME(6)  NOT NULL COMMENT 'UTC',
  PRIMARY KEY (receiver),
  CONSTRAINT ck_notification_receivers_receiver CHECK (receiver <> '')
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'a URL that is told of what happens; none: nothing is written';
