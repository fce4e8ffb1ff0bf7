-- What a payment event does to its order, a row for each pair. `_apply_payment` obeys it; nobody writes it but migrations.
CREATE TABLE payment_rules (
  order_state   ENUM('unknown', 'held', 'hold_ended', 'pending', 'overdue', 'paid', 'cancelled', 'sold_on', 'refund_due', 'refunded')
                NOT NULL COMMENT 'unknown: no hold or order has the id; hold_ended: without an order; overdue: pending past pay_by; sold_on: cancelled, and its units cannot be taken back',
  event         ENUM('succeeded', 'mismatched', 'failed', 'refunded', 'partly_refunded')
                NOT NULL COMMENT 'mismatched: it names another amount or currency than the order',
  outcome       ENUM('parked', 'applied', 'ignored', 'amount_mismatch', 'refund_due')
                NOT NULL COMMENT 'what is said of the event',
  order_becomes ENUM('paid', 'cancelled', 'refund_due', 'refunded')
                NULL COMMENT 'the order''s new status; NULL: it stays as it is',
  units         ENUM('stay', 'return', 'take back')
                NOT NULL COMMENT 'return: they go back to sale; take back: when they cannot be, the row of sold_on applies',
  reason        VARCHAR(255)
                NULL COMMENT 'why; kept with the event, or with the order that it closes',
  PRIMARY KEY (order_state, event),
  CONSTRAINT ck_payment_rules_order_becomes CHECK (order_becomes IS NULL OR outcome IN ('applied', 'refund_due')),
  CONSTRAINT ck_payment_rules_units_return  CHECK ((units = 'return') = (order_state IN ('pending', 'overdue', 'paid')
                                                   AND COALESCE(order_becomes IN ('cancelled', 'refunded'), FALSE))),
  CONSTRAINT ck_payment_rules_units_take    CHECK ((units = 'take back') = (order_state = 'cancelled'
                                                   AND COALESCE(order_becomes = 'paid', FALSE)))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'the state machine of payments: what each event does in each state';
