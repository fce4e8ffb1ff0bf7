"""What payment events do, said a second time: a model written from the rules of money, never from the SQL."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

EVERYTHING = math.inf
CURRENCY = "EUR"

# For each state of an order and each kind of payment: what the payment becomes, the outcome of its event, and what the
# order becomes, if it becomes something else. "-" is no outcome: no event of the payment is decided there.
TABLE = """
order      | matching            | mismatched          | failed                | returned
unknown    | waiting parked      |                     | failed parked         |
not_found  | due refund_due      |                     | failed ignored        |
held       | waiting parked      | waiting parked      | failed parked         |
hold_ended | due refund_due      | due refund_due      | failed ignored        |
pending    | paying applied paid | due amount_mismatch | failed applied lapsed |
overdue    | paying applied paid | due amount_mismatch | failed applied lapsed |
contested  |                     |                     | failed ignored        |
paid       | due refund_due      | due amount_mismatch | failed ignored        | settled - refunded
fulfilled  | due refund_due      | due amount_mismatch | failed ignored        | settled - refunded
lapsed     | paying applied paid | due amount_mismatch | failed ignored        |
sold_on    | due refund_due      |                     |                       |
withdrawn  | due refund_due      | due amount_mismatch | failed ignored        |
stopped    | due refund_due      | due amount_mismatch | failed ignored        |
refunded   | due refund_due      | due amount_mismatch | failed ignored        |
"""


class Rule(NamedTuple):
    """A cell of the table."""

    payment_becomes: str
    outcome: str | None
    order_becomes: str | None


def _read(table: str) -> dict[tuple[str, str], Rule]:
    (_, *kinds), *rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return {
        (state, kind): Rule(words[0], None if words[1] == "-" else words[1], words[2] if len(words) > 2 else None)
        for state, *cells in rows for kind, cell in zip(kinds, cells, strict=True) if (words := cell.split())
    }  # fmt: skip


RULES = _read(TABLE)
STATUS = {"overdue": "pending", "lapsed": "cancelled", "withdrawn": "cancelled"}
WITHOUT_ORDER = ("unknown", "held", "expired", "hold_ended")
BOOKED = ("refunded", "refund_failed")
MARKS = ("dispute_opened", "dispute_won", "dispute_lost")


@dataclass
class Event:
    """An event in the inbox. No amount of a refund means everything, no amount of a success what the order costs."""

    status: str
    amount: int | None = None
    currency: str | None = None
    payment_id: str | None = None
    outcome: str = "parked"
    deliveries: int = 1
    by_hand: bool = False

    @property
    def content(self) -> tuple[object, ...]:
        """What a repeat has to say again."""
        return self.status, self.amount, self.currency, self.payment_id


class KeyReusedError(Exception):
    """Other content came under a key that is in the inbox."""


@dataclass
class Payment:
    """A payment of the provider. All its facts follow from its events, and not from the order in which they came."""

    payment_id: str
    events: list[Event] = field(default_factory=list)
    receipt: Event | None = None
    amount: int | None = None
    currency: str | None = None
    standing: str = "open"

    def _all(self, *statuses: str) -> list[Event]:
        return [event for event in self.events if event.status in statuses and self.books(event)]

    def says_the_same(self, success: Event) -> bool:
        """Whether a further success names no other money than the one by which it was received."""
        amount, currency = (success.amount, self.amount), (success.currency, self.currency)
        return all(None in pair or pair[0] == pair[1] for pair in (amount, currency))

    def books(self, event: Event) -> bool:
        """Whether the event speaks of some of the payment's money."""
        return event.status not in BOOKED or (
            event.amount != 0 and (self.currency is None or event.currency in (None, self.currency))
        )

    def settle_early_events(self) -> None:
        """It is received: refunds of its money that were told of before count from now on, failures do not."""
        for event in self.events:
            if event.status in BOOKED and event.amount != 0:
                event.outcome = "applied" if self.books(event) else "amount_mismatch"
            elif event.status == "failed" and event.outcome == "parked":
                event.outcome = "ignored"

    @property
    def came_in(self) -> float:
        """How much it is; an unknown amount is only gone when everything is."""
        return EVERYTHING if self.amount is None else self.amount

    def _of(self, event: Event) -> float:
        return min(EVERYTHING if event.amount is None else event.amount, self.came_in)

    @property
    def told(self) -> float:
        """The greatest refund that was told of; each tells of all that went back so far."""
        return max((self._of(event) for event in self._all("refunded")), default=0)

    @property
    def told_times(self) -> int:
        """How many refunds told of just that; what the operator recorded and the provider tells later is one."""
        times = failed = announced = 0
        for event in self._all(*BOOKED):
            if event.status == "refund_failed":
                failed += 1
            elif event.by_hand:  # what failed before is made good
                times, announced = max(times, failed) + 1, announced + 1
            elif self._of(event) == self.told and announced:
                announced -= 1
            elif self._of(event) == self.told:
                times += 1
        return times

    @property
    def went_back(self) -> float:
        """How much of it is not here any more."""
        failed = self._all("refund_failed")
        if self.told_times > len(failed):
            return self.told
        lost = sum(EVERYTHING if event.amount is None else event.amount for event in failed)
        return self.told - lost if lost < self.told else 0

    @property
    def left(self) -> float:
        """How much of it is still here."""
        return self.came_in - self.went_back if self.went_back < self.came_in else 0

    @property
    def state(self) -> str:
        """What the sale says of it."""
        return "settled" if self.standing == "due" and not self.left else self.standing

    @property
    def is_due(self) -> float:
        """How much of it has to go back."""
        if self.standing == "paying":
            return self.told - self.went_back
        return self.left if self.standing == "due" else 0

    @property
    def dispute(self) -> str | None:
        """How the last dispute stands."""
        marks = [event.status.removeprefix("dispute_") for event in self._all(*MARKS)]
        ends = [mark for mark in marks if mark != "opened"]
        return ends[-1] if ends else "opened" if marks else None


@dataclass
class Purchase:
    """A hold and the order it may become, with the payments of their common id, and their inbox."""

    order_id: str = "o"
    qty: int = 1
    cost: int | None = None
    state: str = "unknown"
    fulfilled: bool = False
    payments: dict[str, Payment] = field(default_factory=dict)
    received: list[Payment] = field(default_factory=list)
    inbox: dict[str, Event] = field(default_factory=dict)
    met: list[tuple[str, str]] = field(default_factory=list)

    @property
    def order_status(self) -> str | None:
        """The status of the order, None without one."""
        return None if self.state in WITHOUT_ORDER else STATUS.get(self.state, self.state)

    @property
    def cancelled_as(self) -> str | None:
        """What kind of cancelled it is."""
        return self.state if self.state in ("lapsed", "withdrawn") else None

    @property
    def units_held(self) -> int:
        """Units that nobody else can have, for a while."""
        return self.qty if self.state == "held" else 0

    @property
    def units_sold(self) -> int:
        """Units of an order that is good, or that were handed over."""
        return self.qty if self.state in ("pending", "paid") or self.fulfilled else 0

    def can_take_back(self) -> bool:
        """Whether the sale still has the units of the lapsed order, and its customer may have them."""
        return True

    def is_stopped(self) -> bool:
        """Whether the sale of the product was stopped."""
        return False

    @property
    def currency(self) -> str | None:
        """What is asked for; of an id that nobody knows nothing is."""
        return None if self.cost is None else CURRENCY

    def matches(self, payment: Payment) -> bool:
        """Whether it is the money that is asked for."""
        return self.cost is None or (payment.amount, payment.currency) == (self.cost, self.currency)

    # -- events

    def receive(self, key: str, event: Event) -> Event:
        """Deliver an event; KeyReusedError when the key had other content."""
        known = self.inbox.get(key)
        if known is None:
            self.inbox[key] = event
            payment = self.payment_of(event)
            payment.events.append(event)
            self._take_in(payment, event)
            return event
        if known.content != event.content:
            raise KeyReusedError
        known.deliveries += 1
        return known

    def payment_of(self, event: Event) -> Payment:
        """The payment that an event is about."""
        only = next(iter(self.payments.values())) if len(self.payments) == 1 else None
        if event.payment_id is None and event.status != "succeeded" and only:
            return only
        name = event.payment_id or self.order_id
        if only and only.payment_id == self.order_id and not only.receipt and name != self.order_id:
            del self.payments[self.order_id]
            only.payment_id = name
            self.payments[name] = only
        return self.payments.setdefault(name, Payment(name))

    def payment_told_of(self, event: Event) -> Payment:
        """The payment that an event of the inbox told of."""
        return next(p for p in self.payments.values() if any(told is event for told in p.events))

    def _take_in(self, payment: Payment, event: Event) -> None:
        if event.status == "succeeded":
            self._succeeded(payment, event)
        elif event.status == "failed" and not payment.receipt:
            self._decide(payment)
        elif event.status in BOOKED:
            self._booked(payment, event)
        elif event.status in MARKS:
            before = Payment("", payment.events[:-1]).dispute
            event.outcome = "ignored" if payment.dispute == before else "applied"
        else:
            event.outcome = "ignored"

    def _succeeded(self, payment: Payment, event: Event) -> None:
        if payment.receipt is None:
            self.received.append(payment)
        elif payment.says_the_same(event):
            event.outcome = "ignored"
            return
        elif not self._corrects(payment, event):
            event.outcome = "amount_mismatch"
            return
        payment.receipt = event
        payment.amount = self.cost if event.amount is None else event.amount
        payment.currency = event.currency or self.currency
        payment.settle_early_events()
        self._decide(payment)

    def _corrects(self, payment: Payment, event: Event) -> bool:
        """Whether a further success says better what came in: only where no payment has a name of its own."""
        unnamed = payment.payment_id == self.order_id and event.payment_id is None
        return unnamed and payment.standing != "paying" and not self.matches(payment) and not payment.told

    def _booked(self, payment: Payment, event: Event) -> None:
        known = payment.currency or self.currency
        before = Payment("", payment.events[:-1], amount=payment.amount, currency=payment.currency)
        if event.amount == 0:
            event.outcome = "ignored"
        elif known and event.currency not in (None, known):
            event.outcome = "amount_mismatch"
        elif not payment.receipt:
            event.outcome = "parked" if self.state in ("unknown", "held", "expired") else "ignored"
        else:
            known_before = (payment.told, payment.went_back) == (before.told, before.went_back)
            event.outcome = "ignored" if known_before else "applied"
            self._look_for_return(payment)

    # -- decisions

    def _decide(self, payment: Payment, state: str | None = None) -> None:
        """Decide what a payment, which is received or failed, is to the order as it stands."""
        kind, status = "failed", "failed"
        if payment.receipt:
            kind, status = "matching" if self.matches(payment) else "mismatched", "succeeded"
        told = [event for event in payment.events if event.status == status]
        events = [event for event in told if event is payment.receipt or event.outcome == "parked"]
        rule = self._rule(state or self._row(payment, kind), kind)
        payment.standing = rule.payment_becomes
        for event in events:
            event.outcome = rule.outcome or event.outcome
        self.state = rule.order_becomes or self.state
        self._look_for_return(payment)

    def _rule(self, state: str, kind: str) -> Rule:
        self.met.append((state, kind))
        return RULES[state, kind]

    def _row(self, payment: Payment, kind: str) -> str:
        """The row of the table: the state of the order, seen with this payment."""
        others = [other for other in self.received if other is not payment]
        if kind == "failed" and self.order_status == "pending" and others:
            return "contested"
        if self.state == "paid" and self.fulfilled:
            return "fulfilled"
        if self.state == "lapsed" and self.is_stopped():
            return "stopped"
        if self.state == "lapsed" and kind == "matching":
            return "lapsed" if self.can_take_back() else "sold_on"
        return "held" if self.state == "expired" else self.state

    def _look_for_return(self, payment: Payment) -> None:
        """All money of the paying payment went back: another payment takes its place, or the order is refunded."""
        if payment.standing != "paying" or payment.told < payment.came_in:
            return
        payment.standing = "due"
        for heir in self.received:
            if heir is not payment and self.matches(heir) and not heir.told:
                heir.standing = "paying"
                assert heir.receipt
                heir.receipt.outcome = "applied"
                return
        self.state = self._rule(self._row(payment, "returned"), "returned").order_becomes or self.state

    def decide_waiting(self, among: Iterable[Payment] | None = None, state: str | None = None) -> None:
        """What waited is decided: received payments as they came, those that went back last, then failed ones."""
        payments = list(self.payments.values() if among is None else among)
        failed = sorted(self.payments.values(), key=lambda payment: payment.payment_id)
        received = sorted(self.received, key=lambda payment: payment.told >= payment.came_in)
        for payment in [*received, *failed]:
            parked = [event.status for event in payment.events if event.outcome == "parked"]
            waits = payment.standing == "waiting" or (not payment.receipt and "failed" in parked)
            if payment in payments and waits:
                self._decide(payment, state)
        for event in [event for payment in payments for event in payment.events if event.outcome == "parked"]:
            event.outcome = "ignored"

    # -- what happens to the purchase beside its payments

    def prolongs(self) -> bool:
        """Whether a payment waits that keeps the hold alive."""
        waiting = [payment for payment in self.received if payment.standing == "waiting"]
        return any(self.matches(payment) and payment.told < payment.came_in for payment in waiting)

    def order(self) -> None:
        """The order comes: what waits for it is decided, received payments first."""
        self.state = "paid" if self.cost == 0 else "pending"
        self.decide_waiting()

    def end_hold(self) -> None:
        """The hold ends without an order; what waits for it is decided by the next sweep."""
        self.state = "hold_ended"

    def give_up_waiting(self, among: Iterable[Payment] | None = None) -> None:
        """No hold and no order has this id, and these payments have waited for a quarter of an hour."""
        if self.state == "unknown":
            self.decide_waiting(among, "not_found")

    # -- what the operator does

    def record_refund(self, payment: Payment) -> None:
        """What is due of it went back."""
        amount = int(payment.told) if payment.standing == "paying" else None
        payment.events.append(Event("refunded", amount, outcome="applied", by_hand=True))

    def accept(self, payment: Payment) -> None:
        """The operator takes the payment as it is; that is the price from now on."""
        assert payment.receipt
        payment.standing, payment.receipt.outcome, self.state = "paying", "applied", "paid"
        self.cost = payment.amount

    def reprocess(self, payment: Payment) -> None:
        """A payment that does not pay is decided anew; if nobody knows its id, no order will come."""
        self._decide(payment, "not_found" if self.state == "unknown" else None)
