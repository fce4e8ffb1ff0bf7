-- What becomes of a payment and of its order, a row for each pair; sql/rules/payment_rules.sql has the rows. `_decide_payment` obeys it.
CREATE TABLE payment_rules (
  order_state     ENUM('unknown', 'not_found', 'held', 'hold_ended', 'pending', 'overdue', 'contested', 'paid', 'fulfilled', 'lapsed',
                       'sold_on', 'stopped', 'withdrawn', 'refunded') NOT NULL,
  payment         ENUM('matching', 'mismatched', 'failed', 'returned') NOT NULL
                  COMMENT 'matching, mismatched: received, of the order''s money or of other; returned: it paid, and all of it goes back',
  payment_becomes ENUM('failed', 'waiting', 'paying', 'due') NOT NULL COMMENT 'due is settled when nothing is left of it',
  outcome         ENUM('parked', 'applied', 'ignored', 'amount_mismatch', 'refund_due') NOT NULL
                  COMMENT 'what is said of the event that told of it',
  order_becomes   ENUM('paid', 'cancelled', 'refunded') NULL COMMENT 'the order''s new status; NULL: it stays as it is',
  units           ENUM('stay', 'return', 'take back') NOT NULL
                  COMMENT 'return: they go back to sale; take back: when they cannot be, the row of sold_on applies',
  reason          VARCHAR(255) NULL COMMENT 'why; kept with the event and the payment, or with the order that it closes',
  PRIMARY KEY (order_state, payment)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin
  COMMENT 'what becomes of a payment and of its order, for each pair of their states; loaded from rules/payment_rules.sql';
