"""A purchase told to the database and to the model of its payments at once, and compared afterwards."""

import datetime
from copy import deepcopy
from dataclasses import dataclass, field

from tests.support.database import Database, Row
from tests.support.payment_model import CURRENCY, EVERYTHING, Event, Payment, Purchase
from tests.support.sale import hold, new_key, new_product, payments_of, refunds_due, refusal, stock, sweep

QTY, STOCK, PRICE = 2, 10, 1000
AMOUNT = QTY * PRICE
SECOND, MICROSECOND = datetime.timedelta(seconds=1), datetime.timedelta(microseconds=1)
HOLD_TIME, PAYMENT_TIME = 120 * SECOND, 900 * SECOND
REASON = "as the test says"


@dataclass
class Told(Purchase):
    """A purchase, and what its product, its customer and others do to the units that it gave back."""

    others: int = 0
    limit_reached: bool = False
    sale_stopped: bool = False

    def can_take_back(self) -> bool:
        """Unless the units are gone or the customer may not have them."""
        return not self.limit_reached and QTY + self.others <= STOCK

    def is_stopped(self) -> bool:
        """As told."""
        return self.sale_stopped


@dataclass
class Story:
    """Whatever is done here is done to both. Its clock stands still, but for `wait`, and nobody sweeps meanwhile."""

    db: Database
    product: int = 0
    purchase: Told = field(default_factory=lambda: Told(new_key(), QTY))
    start: datetime.datetime = field(init=False)
    elapsed: datetime.timedelta = 0 * SECOND
    ends_after: datetime.timedelta = HOLD_TIME

    def __post_init__(self) -> None:
        # Nobody else sweeps: what waits for the sweep waits until the story says so.
        assert self.db.value("SELECT GET_LOCK(CONCAT('sweep.', DATABASE()), 10)") == 1
        self.start = self.db.now()
        self.db.travel_to(self.start)

    @property
    def order_id(self) -> str:
        """The id of the hold and the order."""
        return self.purchase.order_id

    def payment(self, number: int) -> str:
        """The provider's id of a payment of this purchase."""
        return f"pi_{number}_{self.order_id}"

    # -- the hold and the order

    def hold(self, customer: str | None = None, price: int = PRICE, **limits: int) -> None:
        """Put a product on sale and hold two units of it."""
        self.product = new_product(self.db, STOCK, price=price, stripes=2, **limits)
        self.purchase.order_id = hold(self.db, self.product, QTY, customer)
        self.purchase.state, self.purchase.cost = "held", QTY * price

    def order(self) -> None:
        """Order what is held."""
        self.db.one("create_order", self.order_id, None)
        self.is_ordered()

    def is_ordered(self) -> None:
        """An order was made, by the buyer or the sweep."""
        self.purchase.order()
        self.ends_after = self.elapsed + PAYMENT_TIME

    def release(self) -> None:
        """Give the units back."""
        self.db.one("release_hold", self.order_id)
        self.purchase.end_hold()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.elapsed += seconds * SECOND
        self.db.travel_to(self.start + self.elapsed)
        if self.elapsed >= self.ends_after:
            if self.purchase.state == "held" and not self.purchase.prolongs():
                self.purchase.state = "expired"
            elif self.purchase.state == "pending":
                self.purchase.state = "overdue"

    def sweep(self) -> None:
        """What ran out is over, but for a paid hold, which becomes its order; what nobody knows is not waited for."""
        sweep(self.db)
        if self.elapsed >= self.ends_after:
            if self.purchase.state == "expired":
                self.purchase.end_hold()
            elif self.purchase.state == "overdue":
                self.purchase.state = "lapsed"
            elif self.purchase.state == "held":
                self.is_ordered()
        if self.purchase.state == "hold_ended":
            self.purchase.decide_waiting()
        if self.elapsed >= 900 * SECOND:
            self.purchase.give_up_waiting()

    def stop_sale(self) -> None:
        """The operator stops the sale of the product; live holds end."""
        self.db.one("stop_sale", self.product, REASON)
        self.purchase.sale_stopped = True
        if self.purchase.state == "held":
            self.purchase.end_hold()

    def cancel(self, procedure: str, *reason: str) -> None:
        """The buyer or the operator cancels an order that waits for its money."""
        if self.purchase.order_status == "pending":
            self.db.one(procedure, self.order_id, *reason)
            self.purchase.state = "withdrawn"

    def fulfil(self) -> None:
        """What was paid is handed over."""
        if self.purchase.state == "paid":
            self.db.one("fulfil_order", self.order_id)
            self.purchase.fulfilled = True

    def others_hold(self, qty: int, customer: str | None = None) -> None:
        """Somebody holds units of the product, and keeps them."""
        if qty:
            hold(self.db, self.product, qty, customer)
            self.purchase.others += qty

    # -- payment events

    def deliver(self, event: Event, key: str | None = None, names_order: bool = True) -> None:
        """Deliver an event, at an instant of its own, and compare what it did with what the model says."""
        self.wait(1e-6)
        key = key or new_key()
        known = key in self.purchase.inbox
        expected = self.purchase.receive(key, deepcopy(event))
        self.prolong()
        answer = self.send(event, key, names_order)
        payment = self.purchase.payment_of(event)
        told = ("outcome", "payment_id", "payment_state", "order_id", "order_status", "deliveries", "replayed")
        assert {name: answer[name] for name in told} == {
            "outcome": expected.outcome, "payment_id": payment.payment_id, "payment_state": payment.state,
            "order_id": self.order_id, "order_status": self.purchase.order_status,
            "deliveries": expected.deliveries, "replayed": int(known),
        }, event  # fmt: skip

    def prolong(self) -> None:
        """A payment that waits keeps a live hold alive, as long as there is something of it."""
        if self.purchase.state == "held":
            prolonged = self.purchase.prolongs()
            if not prolonged:
                self.ends_after = HOLD_TIME
            elif self.ends_after == HOLD_TIME:
                self.ends_after = self.elapsed + PAYMENT_TIME
            if self.elapsed >= self.ends_after and not prolonged:
                self.purchase.state = "expired"

    def send(self, event: Event, key: str, names_order: bool = True, db: Database | None = None) -> Row:
        """Deliver an event to the database alone."""
        return (db or self.db).one(
            "receive_payment_webhook", key, self.order_id if names_order else None, event.payment_id, event.status,
            event.amount, event.currency, None, None,
        )  # fmt: skip

    # -- comparing

    def ends_as_the_model_says(self) -> None:
        """The hold, the order, its payments, their inbox, what is due and the units are what the model says."""
        purchase = self.purchase
        self._order_is_right()
        assert payments_of(self.db, self.order_id) == {
            payment.payment_id: as_in_table(payment) for payment in purchase.payments.values()
        }
        assert refunds_due(self.db, self.order_id) == {
            payment.payment_id: shown(payment.is_due) for payment in purchase.payments.values() if payment.is_due
        }
        inbox = self.db.query(
            "SELECT idempotency_key, outcome, deliveries FROM payment_webhooks WHERE order_uuid = %s", self.order_id
        )
        assert {row["idempotency_key"]: (row["outcome"], row["deliveries"]) for row in inbox} == {
            key: (event.outcome, event.deliveries) for key, event in purchase.inbox.items()
        }
        if self.product:
            held, sold = purchase.units_held + purchase.others, purchase.units_sold
            assert stock(self.db, self.product) == (STOCK - held - sold, held, sold)

    def _order_is_right(self) -> None:
        purchase = self.purchase
        if purchase.state == "held":
            row = self.db.one("get_hold", self.order_id)
            ends_at = self.start + self.ends_after
            assert (row["status"], row["expires_at"]) == ("active", ends_at)
        elif purchase.state == "expired":
            assert refusal(lambda: self.db.one("get_hold", self.order_id)).slug == "hold_expired"
        if purchase.order_status:
            row = self.db.one("get_order", self.order_id)
            due = sum(payment.is_due for payment in purchase.payments.values())
            assert (row["status"], row["cancelled_as"], row["fulfilled_at"] is not None, row["refund_due"]) == (
                purchase.order_status, purchase.cancelled_as, purchase.fulfilled, due,
            )  # fmt: skip


def shown(amount: float) -> int | None:
    """An amount as the database has it; None: nobody knows how much."""
    return None if amount == EVERYTHING else int(amount)


def as_in_table(payment: Payment) -> Row:
    """A payment as `payments_of` reads it."""
    return {
        "state": payment.state, "amount": payment.amount, "currency": payment.currency,
        "went_back": (payment.amount and shown(payment.went_back)) or 0, "dispute": payment.dispute,
    }  # fmt: skip


SUCCESS = Event("succeeded", AMOUNT, CURRENCY)
"""The money that is asked for."""
