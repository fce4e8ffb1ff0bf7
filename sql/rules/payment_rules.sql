-- What becomes of a payment and of its order. The row is found by where the order stands and by what the payment is:
--   matching    it was received, of the order's amount and currency
--   mismatched  it was received, of another amount or currency
--   failed      it is over, and nothing came in
--   returned    it pays the order, and all of it goes back (and no other payment takes its place)
-- Where the order stands:
--   unknown     no hold and no order has the id; after a quarter of an hour the sweep takes it for not_found
--   held        a hold, with no order yet; hold_ended: and there will be none
--   contested   pending or overdue, and money of another payment came in
--   fulfilled   paid, and its units were handed over
--   lapsed      cancelled because it was not paid; stopped: and the sale was stopped; sold_on: and its units can't be taken back
--   withdrawn   cancelled for good, by an operator or by the buyer
INSERT INTO payment_rules (order_state, payment, payment_becomes, outcome, order_becomes, units, reason) VALUES
  ('unknown',    'matching',   'waiting', 'parked',          NULL,        'stay',      NULL),
  ('unknown',    'failed',     'failed',  'parked',          NULL,        'stay',      NULL),
  ('not_found',  'matching',   'due',     'refund_due',      NULL,        'stay',      'paid for an id that is no hold and no order'),
  ('not_found',  'failed',     'failed',  'ignored',         NULL,        'stay',      'its id is no hold and no order'),
  ('held',       'matching',   'waiting', 'parked',          NULL,        'stay',      NULL),
  ('held',       'mismatched', 'waiting', 'parked',          NULL,        'stay',      NULL),
  ('held',       'failed',     'failed',  'parked',          NULL,        'stay',      NULL),
  ('hold_ended', 'matching',   'due',     'refund_due',      NULL,        'stay',      'paid, but the hold ended without an order'),
  ('hold_ended', 'mismatched', 'due',     'refund_due',      NULL,        'stay',      'paid, but the hold ended without an order'),
  ('hold_ended', 'failed',     'failed',  'ignored',         NULL,        'stay',      'the hold ended without an order'),
  ('pending',    'matching',   'paying',  'applied',         'paid',      'stay',      NULL),
  ('pending',    'mismatched', 'due',     'amount_mismatch', NULL,        'stay',      'the order is not paid by it'),
  ('pending',    'failed',     'failed',  'applied',         'cancelled', 'return',    'payment failed'),
  ('overdue',    'matching',   'paying',  'applied',         'paid',      'stay',      NULL),
  ('overdue',    'mismatched', 'due',     'amount_mismatch', NULL,        'stay',      'the order is not paid by it'),
  ('overdue',    'failed',     'failed',  'applied',         'cancelled', 'return',    'payment failed'),
  ('contested',  'failed',     'failed',  'ignored',         NULL,        'stay',      'another payment of the order was received'),
  ('paid',       'matching',   'due',     'refund_due',      NULL,        'stay',      'the order is paid already'),
  ('paid',       'mismatched', 'due',     'amount_mismatch', NULL,        'stay',      'the order is paid already'),
  ('paid',       'failed',     'failed',  'ignored',         NULL,        'stay',      'the order is paid'),
  ('paid',       'returned',   'due',     'applied',         'refunded',  'return',    'payment refunded'),
  ('fulfilled',  'matching',   'due',     'refund_due',      NULL,        'stay',      'the order is paid already'),
  ('fulfilled',  'mismatched', 'due',     'amount_mismatch', NULL,        'stay',      'the order is paid already'),
  ('fulfilled',  'failed',     'failed',  'ignored',         NULL,        'stay',      'the order is paid'),
  ('fulfilled',  'returned',   'due',     'applied',         'refunded',  'stay',      'payment refunded'),
  ('lapsed',     'matching',   'paying',  'applied',         'paid',      'take back', NULL),
  ('lapsed',     'mismatched', 'due',     'amount_mismatch', NULL,        'stay',      'the order is cancelled'),
  ('lapsed',     'failed',     'failed',  'ignored',         NULL,        'stay',      'the order is cancelled already'),
  ('sold_on',    'matching',   'due',     'refund_due',      NULL,        'stay',      'paid after the order was cancelled and its units were sold'),
  ('stopped',    'matching',   'due',     'refund_due',      NULL,        'stay',      'paid after the order was cancelled and the sale stopped'),
  ('stopped',    'mismatched', 'due',     'amount_mismatch', NULL,        'stay',      'the order is cancelled'),
  ('stopped',    'failed',     'failed',  'ignored',         NULL,        'stay',      'the order is cancelled already'),
  ('withdrawn',  'matching',   'due',     'refund_due',      NULL,        'stay',      'paid after the order was withdrawn'),
  ('withdrawn',  'mismatched', 'due',     'amount_mismatch', NULL,        'stay',      'the order is withdrawn'),
  ('withdrawn',  'failed',     'failed',  'ignored',         NULL,        'stay',      'the order is withdrawn'),
  ('refunded',   'matching',   'due',     'refund_due',      NULL,        'stay',      'paid after the order was refunded'),
  ('refunded',   'mismatched', 'due',     'amount_mismatch', NULL,        'stay',      'the order is refunded'),
  ('refunded',   'failed',     'failed',  'ignored',         NULL,        'stay',      'the order is refunded');
