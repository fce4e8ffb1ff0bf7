"""Every state of an order meets every payment event: once, again, changed, and twice at the same instant.

What has to come out is said by tests/support/payment_model.py, which knows nothing of the SQL.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field

import pytest

from tests.support.database import Database, Row
from tests.support.payment_model import RULES, Event, KeyReusedError, Purchase
from tests.support.sale import at_once, hold, insisting, new_key, new_product, refusal, stock, sweep

Connect = Callable[..., Database]

QTY, STOCK, AMOUNT = 2, 10, 2000


@dataclass
class Story:
    """A purchase in the database and in the model; whatever is delivered goes to both."""

    db: Database
    product: int = 0
    order_id: str = field(default_factory=new_key)
    others: int = 0
    purchase: Purchase = field(default_factory=lambda: Purchase(QTY, AMOUNT))

    def hold(self, customer: str | None = None, **limits: int) -> None:
        """Put a product on sale and hold two units of it."""
        self.product = new_product(self.db, STOCK, stripes=2, **limits)
        self.order_id = hold(self.db, self.product, QTY, customer)
        self.purchase.state = "held"

    def order(self, customer: str | None = None, **limits: int) -> None:
        """Hold and order two units."""
        self.hold(customer, **limits)
        self.db.one("create_order", self.order_id, None)
        self.purchase.state = "pending"

    def others_hold(self, qty: int, customer: str | None = None) -> None:
        """Somebody holds units of the product, and keeps them."""
        hold(self.db, self.product, qty, customer)
        self.others += qty

    def deliver(self, event: Event, key: str | None = None) -> None:
        """Deliver an event and compare what it did with what the model says."""
        key = key or new_key()
        before = self.purchase.inbox.get(key)
        expected = self.purchase.receive(key, deepcopy(event))
        answer = send(self.db, self.order_id, key, event)
        assert said(answer) == (expected.outcome, self.purchase.order_status)
        assert (answer["deliveries"], answer["replayed"]) == (expected.deliveries, int(before is not None))

    def units(self) -> tuple[int, int, int]:
        """(available, held, sold), as the model says."""
        held = QTY * (self.purchase.state == "held") + self.others
        sold = QTY * (self.purchase.state in ("pending", "paid"))
        return STOCK - held - sold, held, sold

    def ends_as_the_model_says(self) -> None:
        """The order, its units and its inbox are what the model says."""
        purchase = self.purchase
        orders = self.db.query("SELECT status, refunded_minor FROM orders WHERE order_uuid = %s", self.order_id)
        assert [tuple(row.values()) for row in orders] == (
            [(purchase.order_status, purchase.refunded)] if purchase.order_status else []
        )
        if self.product:
            assert stock(self.db, self.product) == self.units()
        inbox = self.db.query(
            "SELECT idempotency_key, outcome, deliveries FROM payment_webhooks WHERE order_uuid = %s", self.order_id
        )
        assert {row["idempotency_key"]: (row["outcome"], row["deliveries"]) for row in inbox} == {
            key: (event.outcome, event.deliveries) for key, event in purchase.inbox.items()
        }


def send(db: Database, order_id: str, key: str, event: Event) -> Row:
    """Deliver an event to the database."""
    return db.one(
        "receive_payment_webhook", key, order_id, event.status, event.amount, event.currency, None, None
    )  # fmt: skip


def said(answer: Row) -> tuple[str, str | None]:
    """What an event did, and where its order stands."""
    return answer["outcome"], answer["order_status"]


def unknown(story: Story) -> None:
    """Nothing has this id."""


def held(story: Story) -> None:
    story.hold()


def held_expired_unswept(story: Story) -> None:
    story.hold()
    story.db.travel(121)
    story.purchase.state = "expired"


def hold_released(story: Story) -> None:
    story.hold()
    story.db.one("release_hold", story.order_id)
    story.purchase.state = "hold_ended"


def hold_expired(story: Story) -> None:
    held_expired_unswept(story)
    sweep(story.db)
    story.purchase.state = "hold_ended"


def orphaned(story: Story) -> None:
    hold_released(story)
    story.deliver(SUCCESS)


def pending(story: Story) -> None:
    story.order()


def pending_and_a_refund_waits(story: Story) -> None:
    story.order()
    story.deliver(REFUND)


def overdue(story: Story) -> None:
    story.order()
    story.db.travel(901)
    story.purchase.state = "overdue"


def paid(story: Story) -> None:
    story.order()
    story.deliver(SUCCESS)


def partly_refunded(story: Story) -> None:
    paid(story)
    story.deliver(Event("refunded", AMOUNT // 4, "EUR"))


def cancelled(story: Story) -> None:
    story.order()
    story.deliver(FAILURE)


def cancelled_when_overdue(story: Story) -> None:
    overdue(story)
    sweep(story.db)
    story.purchase.state = "cancelled"


def sold_on(story: Story) -> None:
    cancelled(story)
    story.others_hold(STOCK - QTY + 1)
    story.purchase.state = "sold_on"


def sold_on_and_a_refund_waits(story: Story) -> None:
    sold_on(story)
    story.deliver(REFUND)


def limit_reached(story: Story) -> None:
    story.order("alice", max_per_customer=QTY)
    story.deliver(FAILURE)
    story.others_hold(1, "alice")
    story.purchase.state = "sold_on"


def refund_due(story: Story) -> None:
    sold_on(story)
    story.deliver(SUCCESS)


def refunded(story: Story) -> None:
    paid(story)
    story.deliver(REFUND)


SUCCESS = Event("succeeded", AMOUNT, "EUR")
FAILURE = Event("failed", None, None)
REFUND = Event("refunded", AMOUNT, "EUR")
STATES = [
    unknown, held, held_expired_unswept, hold_released, hold_expired, orphaned, pending, pending_and_a_refund_waits,
    overdue, paid, partly_refunded, cancelled, cancelled_when_overdue, sold_on, sold_on_and_a_refund_waits,
    limit_reached, refund_due, refunded,
]  # fmt: skip
DELIVERED = {
    "succeeded": SUCCESS,
    "succeeded without amount": Event("succeeded", None, None),
    "succeeded with another amount": Event("succeeded", AMOUNT - 1, "EUR"),
    "succeeded in another currency": Event("succeeded", AMOUNT, "USD"),
    "failed": FAILURE,
    "refunded": REFUND,
    "refunded without amount": Event("refunded", None, None),
    "partly refunded": Event("refunded", AMOUNT // 2, "EUR"),
    "refunded too much": Event("refunded", AMOUNT + 1, "EUR"),
    "refunded in another currency": Event("refunded", AMOUNT, "USD"),
}
every_state = pytest.mark.parametrize("tell", STATES, ids=lambda tell: tell.__name__)
every_event = pytest.mark.parametrize("event", DELIVERED.values(), ids=DELIVERED.keys())


@every_event
@every_state
def test_an_event_does_what_the_model_says_once_however_often_it_comes(
    db: Database, tell: Callable[[Story], None], event: Event
) -> None:
    tell(story := Story(db))
    key = new_key()

    story.deliver(event, key)
    story.ends_as_the_model_says()
    story.deliver(event, key)

    story.ends_as_the_model_says()


@every_event
@every_state
def test_the_key_of_an_event_with_other_content_changes_nothing(
    db: Database, tell: Callable[[Story], None], event: Event
) -> None:
    tell(story := Story(db))
    key = new_key()
    story.deliver(event, key)

    for changed in [
        Event("failed" if event.status != "failed" else "succeeded", event.amount, event.currency),
        Event(event.status, (event.amount or 0) + 7, event.currency),
        Event(event.status, event.amount, "CHF"),
    ]:
        with pytest.raises(KeyReusedError):
            story.purchase.receive(key, changed)
        refused = refusal(lambda c=changed: send(db, story.order_id, key, c))
        assert (refused.slug, refused.sqlstate) == ("idempotency_key_reused", "45422")

    story.ends_as_the_model_says()


@pytest.mark.parametrize("keys", ["the same key", "two keys"])
@every_event
@every_state
def test_an_event_twice_at_the_same_instant_does_what_it_does_one_after_the_other(
    db: Database, connect_as: Connect, tell: Callable[[Story], None], event: Event, keys: str
) -> None:
    tell(story := Story(db))
    twin = connect_as("dba")
    twin.travel_to(db.now())
    first, second = (new_key(), new_key()) if keys == "two keys" else [new_key()] * 2

    answers = at_once(
        lambda delivery: insisting(lambda: send(delivery[0], story.order_id, delivery[1], event)),
        [(db, first), (twin, second)],
    )

    assert not any(isinstance(answer, Exception) for answer in answers), answers
    rows = [answer for answer in answers if not isinstance(answer, Exception)]
    # The two events are the same but for their keys; whichever came first, the inbox keeps them in that order.
    order_of_arrival = [row["idempotency_key"] for row in sorted(rows, key=lambda row: row["webhook_id"])]
    for key in order_of_arrival:
        story.purchase.receive(key, deepcopy(event))
    assert sorted(row["replayed"] for row in rows) == ([0, 0] if keys == "two keys" else [0, 1])
    story.ends_as_the_model_says()


def test_the_rules_have_a_row_for_each_pair_and_the_model_agrees_with_every_one(db: Database) -> None:
    rows = db.query("SELECT order_state, event, outcome, order_becomes FROM payment_rules")

    assert sorted((row["order_state"], row["event"]) for row in rows) == sorted(RULES)
    for row in rows:
        state, event = row["order_state"], row["event"]
        model = Purchase(state=state)
        outcome, becomes = RULES[state, event]
        after = Purchase(state=becomes).order_status
        expected = (outcome, after if after != model.order_status else None)
        assert (row["outcome"], row["order_becomes"]) == expected, row
