"""A whole sale of one product as a small model: what is held, by whom, until when, and what the limits say."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.payment_model import Purchase

PRICE, HOLD_SECONDS, PAYMENT_SECONDS, MAX_PER_HOLD = 1000, 120, 900, 4


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

    sale: "Sale | None" = None
    customer: str | None = None
    key: str | None = None
    order_key: str | None = None
    due_at: datetime = datetime.max
    extended: bool = False
    released: bool = False
    lapsed_at: datetime | None = None

    def can_take_back(self) -> bool:
        """As the sale says."""
        assert self.sale
        limit = self.sale.limits.max_per_customer
        return self.qty <= self.sale.available and (
            limit is None or self.sale.units("held", "pending", "paid", customer=self.customer) + self.qty <= limit
        )


@dataclass
class Sale:
    """One product at one moment, with every purchase of it."""

    stock: int
    limits: Limits
    now: datetime
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    bought: dict[str, Bought] = field(default_factory=dict)

    def units(self, *states: str, customer: str | None = None) -> int:
        """How many units are in these states; of one customer, if one is named."""
        return sum(
            purchase.qty
            for purchase in self.bought.values()
            if purchase.state in states and customer in (None, purchase.customer)
        )

    @property
    def available(self) -> int:
        """What the next buyer could have."""
        return self.stock - self.units("held", "pending", "paid")

    def advance(self, moment: datetime) -> None:
        """Let time pass: what is due by then has lapsed."""
        self.now = moment
        for purchase in self.bought.values():
            if purchase.state in ("held", "pending") and purchase.due_at <= moment:
                purchase.state = {"held": "expired", "pending": "overdue"}[purchase.state]
                purchase.lapsed_at = purchase.due_at

    def refusals(self, qty: int, customer: str | None) -> set[str]:
        """Every reason why a hold is refused now; none when it has to be granted."""
        limits, own = self.limits, lambda *states: self.units(*states, customer=customer)
        lapses = [p.lapsed_at for p in self.bought.values() if p.lapsed_at and p.customer == customer]
        paused = timedelta(seconds=limits.pause_seconds or 0)
        cap = max(1, self.stock * (limits.max_unpaid_percent or 0) // 100)
        reasons = {
            "sale_not_started": self.starts_at is not None and self.now < self.starts_at,
            "sale_ended": self.ends_at is not None and self.now >= self.ends_at,
            "quantity_above_limit": qty > MAX_PER_HOLD,
            "sold_out": qty > self.available,
            "invalid_argument": limits.of_customers and customer is None,
            "customer_limit_reached": limits.max_per_customer is not None
            and own("held", "pending", "paid") + qty > limits.max_per_customer,
            "unpaid_limit_reached": limits.max_unpaid_percent is not None and own("held", "pending") + qty > cap,
            "customer_paused": limits.pause_seconds is not None and any(self.now < at + paused for at in lapses),
        }
        return {slug for slug, applies in reasons.items() if applies}

    def hold(self, hold_id: str, qty: int, customer: str | None, key: str | None) -> None:
        """Hold units."""
        due_at = self.now + timedelta(seconds=HOLD_SECONDS)
        self.bought[hold_id] = Bought(qty, qty * PRICE, "held", 0, {}, self, customer, key, due_at=due_at)

    def order(self, purchase: Bought, key: str | None) -> None:
        """Order what is held; payments that came early count now."""
        purchase.state, purchase.order_key = "pending", key
        purchase.due_at = self.now + timedelta(seconds=PAYMENT_SECONDS)
        purchase.settle()

    def sweep(self) -> None:
        """Nothing lapsed is left, and payments of holds that ended are settled."""
        for purchase in self.bought.values():
            purchase.state = {"expired": "hold_ended", "overdue": "cancelled"}.get(purchase.state, purchase.state)
            if purchase.state == "hold_ended":
                purchase.settle()
