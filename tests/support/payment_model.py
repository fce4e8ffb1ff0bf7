"""What a payment event does, said a second time: a model written from the design, never from the SQL."""

from dataclasses import dataclass, field

EVENTS = ("succeeded", "mismatched", "failed", "refunded", "partly_refunded")

# For each state of a purchase: what each of EVENTS becomes, and, after '>', the state it leaves the purchase in.
TABLE = """
unknown     parked                 parked           parked             parked            parked
held        parked                 parked           parked             parked            parked
hold_ended  refund_due             refund_due       ignored            ignored           ignored
pending     applied>paid           amount_mismatch  applied>cancelled  ignored           ignored
overdue     applied>paid           amount_mismatch  applied>cancelled  ignored           ignored
paid        ignored                amount_mismatch  ignored            applied>refunded  applied
cancelled   applied>paid           amount_mismatch  ignored            ignored           ignored
sold_on     refund_due>refund_due  amount_mismatch  ignored            ignored           ignored
refund_due  ignored                amount_mismatch  ignored            applied>refunded  applied
refunded    ignored                amount_mismatch  ignored            ignored           ignored
"""
RULES = {
    (state, event): (cell.partition(">")[0], cell.partition(">")[2] or state)
    for state, *cells in map(str.split, TABLE.strip().splitlines())
    for event, cell in zip(EVENTS, cells, strict=True)
}
STATUS = {"overdue": "pending", "sold_on": "cancelled"}
UNDECIDED = ("unknown", "held", "expired")
WITHOUT_ORDER = (*UNDECIDED, "hold_ended")


@dataclass
class Event:
    """An event in the inbox."""

    status: str
    amount: int | None
    currency: str | None
    outcome: str = "parked"
    deliveries: int = 1
    reprocessed: bool = False

    @property
    def waits(self) -> bool:
        """Whether a later event may make this one count after all."""
        return self.outcome == "parked" or (self.outcome == "ignored" and self.status == "refunded")


class KeyReusedError(Exception):
    """Other content came under a key that is in the inbox."""


@dataclass
class Purchase:
    """A hold and the order it may become, with the payment events of their common id."""

    qty: int = 1
    amount: int = 0
    state: str = "unknown"
    refunded: int = 0
    inbox: dict[str, Event] = field(default_factory=dict)

    @property
    def order_status(self) -> str | None:
        """The status of the order, None without one."""
        return None if self.state in WITHOUT_ORDER else STATUS.get(self.state, self.state)

    def kind(self, event: Event) -> str:
        """Which of EVENTS this is, compared with what is owed."""
        if event.status == "failed" or self.state == "hold_ended":
            return event.status
        if event.currency not in (None, "EUR"):
            return "mismatched"
        if event.amount in (None, self.amount):
            return event.status
        if event.status == "refunded" and 0 < (event.amount or 0) < self.amount:
            return "partly_refunded"
        return "mismatched"

    def can_take_back(self) -> bool:
        """Whether the sale still has the units of the cancelled order, and its customer may have them."""
        return True

    def receive(self, key: str, content: Event) -> Event:
        """Deliver an event; KeyReusedError when the key had other content."""
        known = self.inbox.get(key)
        if known is None:
            self.inbox[key] = content
            self.settle()
            return content
        if (known.status, known.amount, known.currency) != (content.status, content.amount, content.currency):
            raise KeyReusedError
        known.deliveries += 1
        return known

    def settle(self) -> None:
        """Decide everything that waits: successes, then failures, then refunds, each in the order they came."""
        if self.state in UNDECIDED:
            return
        waiting = [event for event in self.inbox.values() if event.waits]
        for event in sorted(waiting, key=lambda event: ("succeeded", "failed", "refunded").index(event.status)):
            state, kind = self.state, self.kind(event)
            if (state, kind) == ("cancelled", "succeeded") and not self.can_take_back():
                state = "sold_on"
            event.outcome, self.state = RULES[state, kind]
            if event.outcome == "applied" and event.status == "refunded":
                self.refunded = self.amount if kind == "refunded" else max(self.refunded, event.amount or 0)
        if self.state == "refunded":
            self.money_went_back()
        elif self.state == "hold_ended":
            self._match_refunds()

    def money_went_back(self) -> None:
        """Nothing is due any more."""
        for event in self.due():
            event.outcome = "refunded"

    def due(self) -> list[Event]:
        """The payments that have to be sent back."""
        return [event for event in self.inbox.values() if event.outcome == "refund_due"]

    def record_refund(self) -> None:
        """The operator says that the money went back."""
        self.money_went_back()
        if self.state == "refund_due":
            self.state, self.refunded = "refunded", self.amount

    def give_up_waiting(self) -> None:
        """No order will ever come: what waits for one is decided now."""
        if self.state == "unknown":
            for event in self.inbox.values():
                if event.outcome == "parked":
                    event.outcome = "refund_due" if event.status == "succeeded" else "ignored"
        self.settle()

    def reprocess(self, event: Event) -> None:
        """Decide an event anew that the rules would now decide otherwise."""
        event.reprocessed = True
        if event.outcome == "refund_due":
            event.outcome, self.state = RULES["cancelled", "succeeded"]
        self.settle()

    def _match_refunds(self) -> None:
        """Without an order each refund settles one payment: one of the same money, as far as both name it."""
        for refund in self.inbox.values():
            for payment in self.due() if refund.outcome == "ignored" and refund.status == "refunded" else ():
                pairs = (refund.amount, payment.amount), (refund.currency, payment.currency)
                if all(None in pair or pair[0] == pair[1] for pair in pairs):
                    refund.outcome, payment.outcome = "applied", "refunded"
                    break
