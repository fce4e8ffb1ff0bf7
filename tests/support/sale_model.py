"""A whole sale of one product as a small model: what is held, by whom, until when, and what the limits say."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.payment_model import Event, Payment, Purchase

PRICE, HOLD_SECONDS, PAYMENT_SECONDS, MAX_PER_HOLD = 1000, 120, 900, 4
WAIT_FOR_UNKNOWN = timedelta(seconds=900)


@dataclass
class Limits:
    """What a product allows; None is off."""

    max_per_customer: int | None = None
    max_unpaid_percent: int | None = None
    pause_seconds: int | None = None
    extension_seconds: int | None = None

    @property
    def of_customers(self) -> bool:
        """Whether a buyer has to say who they are."""
        return (self.max_per_customer, self.max_unpaid_percent, self.pause_seconds) != (None, None, None)


@dataclass
class Bought(Purchase):
    """A purchase of the sale: by whom, and until when it may wait."""

    sale: "ModelSale | None" = None
    customer: str | None = None
    key: str | None = None
    order_key: str | None = None
    due_at: datetime = datetime.max
    paid_until: datetime | None = None
    extended: bool = False
    ended_as: str = "expired"
    lapsed_at: datetime | None = None
    reprocessed: set[str] = field(default_factory=set)
    waits_since: dict[int, datetime] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The moment."""
        assert self.sale
        return self.sale.now

    @property
    def clock(self) -> datetime:
        """The moment by which anything runs out: it stands still while the sale is paused."""
        assert self.sale
        return self.sale.paused_at or self.sale.now

    @property
    def ends_at(self) -> datetime:
        """When a hold ends by itself, or becomes an order by itself; when an order is overdue."""
        return self.paid_until or self.due_at

    @property
    def due(self) -> list[Payment]:
        """The payments of which something has to go back."""
        return [payment for payment in self.payments.values() if payment.is_due]

    def can_take_back(self) -> bool:
        """As the sale says."""
        assert self.sale
        limits = self.sale.limits
        if self.customer is None and limits.of_customers:
            return False
        limit = limits.max_per_customer
        return self.qty <= self.sale.available and (
            limit is None or self.sale.units_of(self.customer) + self.qty <= limit
        )

    def is_stopped(self) -> bool:
        """As the sale says."""
        assert self.sale
        return self.sale.stopped

    def receive(self, key: str, event: Event) -> Event:
        """Deliver an event; a payment keeps a live hold alive, a failure begins the pause."""
        state = self.state
        received = super().receive(key, event)
        payment = self.payment_told_of(received)
        if payment.receipt is received and received.deliveries == 1:
            self.waits_since[id(payment)] = self.now
        self.waits_since.setdefault(id(payment), self.now)
        if (state, self.state) == ("pending", "lapsed"):
            self.lapsed_at = self.now
        self.prolong()
        return received

    def prolong(self) -> None:
        """A hold lives as long as a payment waits for its order, but not for ever."""
        if self.state == "held" and self.prolongs():
            self.paid_until = self.paid_until or self.clock + timedelta(seconds=PAYMENT_SECONDS)
        elif self.state == "held":
            self.paid_until = None
            self.pass_time()

    def pass_time(self) -> None:
        """What is due by now has lapsed."""
        if self.state == "held" and self.paid_until is None and self.due_at <= self.clock:
            self.state, self.lapsed_at = "expired", self.due_at
        elif self.state == "pending" and self.due_at <= self.clock:
            self.state, self.lapsed_at = "overdue", self.due_at

    def order(self) -> None:
        """It becomes an order; payments that came early count now."""
        self.due_at, self.paid_until = self.clock + timedelta(seconds=PAYMENT_SECONDS), None
        super().order()
        if self.state == "lapsed":
            self.lapsed_at = self.now

    def end(self, how: str) -> None:
        """A live hold ends without an order."""
        self.ended_as = how
        if how == "released":
            self.lapsed_at = self.now
        self.end_hold()

    def cancel(self, by_buyer: bool) -> None:
        """An order ends for good."""
        if by_buyer and self.state == "pending":
            self.lapsed_at = self.now
        self.state = "withdrawn"

    def _can_still_be_paid(self) -> bool:
        return self.state in ("pending", "overdue") or (
            self.state == "lapsed" and not self.is_stopped() and self.can_take_back()
        )

    def may_accept(self, payment: Payment) -> bool:
        """Whether the operator may take a payment of another amount as the price."""
        untouched = payment.state == "due" and payment.currency == self.currency and not payment.told
        return untouched and self._can_still_be_paid()

    def may_decide_anew(self, payment: Payment) -> bool:
        """Whether a payment that came too late would pay now, or one waits for an order that can never come."""
        if payment.standing == "waiting":
            return self.state == "hold_ended" or (self.state == "unknown" and self.has_waited_long(payment))
        late = payment.state == "due" and payment.told < payment.came_in and self.matches(payment)
        return late and self.state == "lapsed" and self._can_still_be_paid()

    def decide_alone(self, payment: Payment) -> None:
        """A payment whose order can never come is decided, the others are not."""
        if payment.standing == "waiting" and self.state in ("unknown", "hold_ended"):
            self.reprocess(payment)

    def has_waited_long(self, payment: Payment) -> bool:
        """Whether an order would be known by now."""
        return self.waits_since[id(payment)] + WAIT_FOR_UNKNOWN <= self.now

    def sweep(self) -> None:
        """Nothing that ran out is left."""
        if self.state in ("expired", "hold_ended"):
            self.end_hold()
            self.decide_waiting()
        elif self.state == "overdue":
            self.state = "lapsed"
        elif self.state == "held" and self.ends_at <= self.clock:
            self.order()
        elif self.state == "unknown":
            self.give_up_waiting([payment for payment in self.payments.values() if self.has_waited_long(payment)])


@dataclass
class ModelSale:
    """One product at one moment, with every purchase of it."""

    stock: int
    limits: Limits
    now: datetime
    price: int = PRICE
    stopped: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    paused_at: datetime | None = None
    bought: dict[str, Bought] = field(default_factory=dict)

    def units_of(self, customer: str | None, unpaid: bool = False) -> int:
        """How many units a customer holds and ordered; or only those that are not paid."""
        own = [purchase for purchase in self.bought.values() if purchase.customer == customer]
        if unpaid:
            return sum(purchase.qty for purchase in own if purchase.state in ("held", "pending"))
        return sum(purchase.units_held + purchase.units_sold for purchase in own)

    @property
    def held(self) -> int:
        """Units in live holds."""
        return sum(purchase.units_held for purchase in self.bought.values())

    @property
    def sold(self) -> int:
        """Units of orders that are good, or handed over."""
        return sum(purchase.units_sold for purchase in self.bought.values())

    @property
    def available(self) -> int:
        """What the next buyer could have."""
        return self.stock - self.held - self.sold

    def advance(self, moment: datetime) -> None:
        """Let time pass."""
        self.now = moment
        for purchase in self.bought.values():
            purchase.pass_time()

    def refusals(self, qty: int, customer: str | None) -> set[str]:
        """Every reason why a hold is refused now; none when it has to be granted."""
        limits = self.limits
        lapses = [p.lapsed_at for p in self.bought.values() if p.lapsed_at and p.customer == customer]
        paused = timedelta(seconds=limits.pause_seconds or 0)
        cap = max(1, self.stock * (limits.max_unpaid_percent or 0) // 100)
        reasons = {
            "sale_not_started": self.starts_at is not None and self.now < self.starts_at,
            "sale_ended": self.stopped or (self.ends_at is not None and self.now >= self.ends_at),
            "sale_paused": self.paused_at is not None,
            "quantity_above_limit": qty > MAX_PER_HOLD,
            "sold_out": qty > self.available,
            "invalid_argument": limits.of_customers and customer is None,
            "customer_limit_reached": limits.max_per_customer is not None
            and self.units_of(customer) + qty > limits.max_per_customer,
            "unpaid_limit_reached": limits.max_unpaid_percent is not None
            and self.units_of(customer, unpaid=True) + qty > cap,
            "customer_paused": limits.pause_seconds is not None and any(self.now < at + paused for at in lapses),
        }
        return {slug for slug, applies in reasons.items() if applies}

    def hold(self, hold_id: str, qty: int, customer: str | None, key: str | None) -> None:
        """Hold units, at the price of the moment."""
        due_at = self.now + timedelta(seconds=HOLD_SECONDS)
        self.bought[hold_id] = Bought(
            hold_id, qty, qty * self.price, "held", sale=self, customer=customer, key=key, due_at=due_at
        )

    def pause(self) -> None:
        """Nothing runs out until it is resumed."""
        self.paused_at = self.paused_at or self.now

    def resume(self) -> None:
        """What had not run out when the pause began has as much time left as then."""
        began, self.paused_at = self.paused_at or self.now, None
        for purchase in self.bought.values():
            if purchase.state in ("held", "pending") and purchase.due_at > began:
                purchase.due_at += self.now - began
            if purchase.paid_until and purchase.paid_until > began:
                purchase.paid_until += self.now - began

    def stop(self) -> None:
        """The sale ends at once; what is held is free, what was ordered is not."""
        self.stopped = True
        for purchase in self.bought.values():
            if purchase.state in ("held", "expired"):
                purchase.end("stopped" if purchase.state == "held" else "expired")

    def sweep(self) -> None:
        """Nothing that ran out is left, and what was paid for it is decided."""
        for purchase in self.bought.values():
            purchase.sweep()
