-- One payment of the provider, whatever events told of it. Its facts are merged so that the order in which events come makes no
-- difference: a greatest amount, a sum, a count. uq_payments_order_id lets one payment pay an order and no more.
CREATE TABLE payments (
  payment_id          VARCHAR(255) NOT NULL COMMENT 'the provider''s id; the order''s own where the provider names none',
  order_id            BINARY(16)       NULL COMMENT 'what it is for; NULL: no event named an id of ours',
  order_uuid          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (BIN_TO_UUID(order_id)) VIRTUAL,
  state               ENUM('open', 'failed', 'waiting', 'paying', 'due', 'settled') NOT NULL
                      COMMENT 'open: nothing received; waiting: received, and its order may still come; due: what is left has to go back; settled: all went back',
  pays                BOOLEAN GENERATED ALWAYS AS (IF(state = 'paying', TRUE, NULL)) VIRTUAL,
  amount_minor        BIGINT           NULL COMMENT 'what came in, in minor units; NULL: not known',
  currency            CHAR(3)          NULL COMMENT 'ISO 4217; NULL: not known',
  refund_told_minor   BIGINT       NOT NULL DEFAULT 0 COMMENT 'the most that went back in all, as a refund event told; 2^63-1: everything',
  refunds_told        INT          NOT NULL DEFAULT 0 COMMENT 'how many refund events told of just that amount',
  refund_failed_minor BIGINT       NOT NULL DEFAULT 0 COMMENT 'the sum of the refunds that failed; 2^63-1: everything',
  refunds_failed      INT          NOT NULL DEFAULT 0 COMMENT 'how many refunds failed',
  refund_recorded_at  DATETIME(6)      NULL COMMENT 'UTC; an operator recorded a refund of which no event has told yet',
  returning_minor     BIGINT GENERATED ALWAYS AS (LEAST(refund_told_minor, COALESCE(amount_minor, 0))) VIRTUAL
                      COMMENT 'what was to go back, whether it arrived or not',
  refunded_minor      BIGINT GENERATED ALWAYS AS (LEAST(IF(refunds_told > refunds_failed, refund_told_minor,
                                                           GREATEST(refund_told_minor - refund_failed_minor, 0)),
                                                        COALESCE(amount_minor, 0))) VIRTUAL
                      COMMENT 'what went back',
  dispute             ENUM('opened', 'won', 'lost') NULL COMMENT 'the customer asked the bank for the money; NULL: never',
  follow_up           ENUM('order', 'refund', 'purge') GENERATED ALWAYS AS (
                        CASE WHEN state = 'waiting' THEN 'order'
                             WHEN state = 'due' OR (state = 'paying' AND refunded_minor < returning_minor) THEN 'refund'
                             WHEN state <> 'paying' AND events_purged_at IS NULL THEN 'purge' END) VIRTUAL
                      COMMENT 'what is still to come: its order; money that has to go back; nothing, so that its events may be purged in time',
  reason              VARCHAR(255)     NULL COMMENT 'why it does not pay its order',
  received_by         VARCHAR(255)     NULL COMMENT 'the key of the event that told of its money',
  created_at          DATETIME(6)  NOT NULL COMMENT 'UTC; when its first event came',
  received_at         DATETIME(6)      NULL COMMENT 'UTC',
  decided_at          DATETIME(6)      NULL COMMENT 'UTC; when its state was decided last',
  events_purged_at    DATETIME(6)      NULL COMMENT 'UTC; when purge_history deleted its events; NULL: all of them are there',
  PRIMARY KEY (payment_id),
  UNIQUE KEY uq_payments_order_id (order_id, pays),
  KEY ix_payments_follow_up_created_at (follow_up, created_at),
  CONSTRAINT ck_payments_payment_id     CHECK (payment_id <> ''),
  CONSTRAINT ck_payments_amount_minor   CHECK (amount_minor >= 0),
  CONSTRAINT ck_payments_refunds        CHECK (refund_told_minor >= 0 AND refund_failed_minor >= 0 AND refunds_failed >= 0
                                               AND (refunds_told > 0) = (refund_told_minor > 0)
                                               AND (refunds_failed > 0) = (refund_failed_minor > 0)),
  CONSTRAINT ck_payments_received_at    CHECK ((received_at IS NOT NULL) = (state IN ('waiting', 'paying', 'due', 'settled'))
                                               AND (received_at IS NOT NULL) = (received_by IS NOT NULL)
                                               AND (received_at IS NOT NULL OR (amount_minor IS NULL AND currency IS NULL))),
  CONSTRAINT ck_payments_state          CHECK (state <> 'paying' OR (order_id IS NOT NULL AND amount_minor > 0 AND currency IS NOT NULL
                                                                     AND reason IS NULL)),
  CONSTRAINT ck_payments_decided_at     CHECK ((decided_at IS NULL) = (state = 'open'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'a payment, once, whatever events told of it: what came in, what went back, and whether it pays, waits or is due';
