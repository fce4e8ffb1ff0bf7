-- The outbox: what a receiver is to be told, written in the transaction of what happened. Each receiver has rows of its own, so that
-- a dead one keeps nobody waiting. Of one subject the next is not claimed before the one before is delivered or failed: their ids
-- ascend in the order of what happened, for who writes one has locked its subject.
CREATE TABLE notifications (
  notification_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  receiver        VARCHAR(255)    NOT NULL COMMENT 'the URL that it goes to',
  kind            ENUM('order.created', 'order.paid', 'order.cancelled', 'order.refunded', 'hold.expired', 'payment.due',
                       'payment.disputed', 'product.sold_out', 'product.available') NOT NULL,
  subject         VARCHAR(255)    NOT NULL COMMENT 'what it is about: the id of the order or of its hold; of a payment without one, its own; product and its id',
  body            JSON            NOT NULL COMMENT 'as it is sent',
  state           ENUM('pending', 'delivered', 'failed') NOT NULL DEFAULT 'pending' COMMENT 'failed: nobody tries any more',
  attempts        INT             NOT NULL DEFAULT 0 COMMENT 'how often it was claimed; the number of an attempt is its claim',
  created_at      DATETIME(6)     NOT NULL COMMENT 'UTC',
  due_at          DATETIME(6)     NOT NULL COMMENT 'UTC; not claimed before: the next attempt, or the end of the lease of who is at it',
  gives_up_at     DATETIME(6)     NOT NULL DEFAULT (TIMESTAMPADD(DAY, 3, GREATEST(UTC_TIMESTAMP(6), created_at)))
                                  COMMENT 'UTC; no attempt begins later',
  settled_at      DATETIME(6)         NULL COMMENT 'UTC; when it was delivered or failed',
  last_error      VARCHAR(255)        NULL COMMENT 'why the last attempt that failed did',
  PRIMARY KEY (notification_id),
  KEY ix_notifications_state_receiver_due_at (state, receiver, due_at),
  KEY ix_notifications_subject_receiver (subject, receiver),
  CONSTRAINT ck_notifications_attempts    CHECK (attempts >= 0),
  CONSTRAINT ck_notifications_due_at      CHECK (due_at >= created_at),
  CONSTRAINT ck_notifications_gives_up_at CHECK (gives_up_at > created_at),
  CONSTRAINT ck_notifications_settled_at  CHECK ((settled_at IS NULL) = (state = 'pending')),
  CONSTRAINT ck_notifications_last_error  CHECK (state <> 'failed' OR last_error IS NOT NULL)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'what one receiver is to be told of one thing that happened: the outbox';
