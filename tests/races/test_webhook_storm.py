"""A provider that delivers everything three times, in any order, before, during and after the orders exist."""

import os
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from typing import NamedTuple, TypeVar

import pytest

from tests.support.database import Database
from tests.support.payment_model import Event, Purchase
from tests.support.sale import at_once, hold, insisting, new_key, new_product, stock
from tests.support.service import Service
from tests.support.shop import Buyer, buyers

Crowd = Callable[[int], list[Database]]
T = TypeVar("T")

ORDERS, EVENTS_EACH, DELIVERIES, SENDERS, PRICE = 50, 10, 3, 16, 1000


class Webhook(NamedTuple):
    """An event, and what it is about."""

    key: str
    order_id: str
    event: Event


class Provider(NamedTuple):
    """How webhooks are delivered and orders made, on one connection."""

    deliver: Callable[[Webhook], None]
    order: Callable[[str], None]


def by_call(session: Database) -> Provider:
    """Somebody who CALLs."""

    def deliver(webhook: Webhook) -> None:
        key, order_id, event = webhook
        insisting(lambda: session.one(
            "receive_payment_webhook", key, order_id, event.status, event.amount, event.currency, None, None
        ))  # fmt: skip

    return Provider(deliver, lambda order_id: insisting(lambda: session.call("create_order", order_id, None)) and None)


def by_http(buyer: Buyer) -> Provider:
    """Somebody on the web."""

    def deliver(webhook: Webhook) -> None:
        key, order_id, event = webhook
        content = {"amount": event.amount, "currency": event.currency}
        named = {name: value for name, value in content.items() if value is not None}
        answer = buyer.pay(order_id, event.status, key, **named)
        assert answer.status_code == (202 if answer.json().get("outcome") == "parked" else 200), answer.text

    def order(order_id: str) -> None:
        answer = buyer.order(order_id)
        assert answer.status_code == 201, answer.text

    return Provider(deliver, order)


@pytest.fixture(params=["by CALL", "by HTTP"])
def providers(request: pytest.FixtureRequest) -> AbstractContextManager[list[Provider]]:
    """Senders on a connection each."""

    @contextmanager
    def connected() -> Iterator[list[Provider]]:
        if request.param == "by CALL":
            crowd: Crowd = request.getfixturevalue("crowd")
            yield [by_call(session) for session in crowd(SENDERS)]
        else:
            service: Service = request.getfixturevalue("service")
            with buyers(service.url, SENDERS) as connections:
                yield [by_http(connection) for connection in connections]

    return connected()


def in_parallel(workers: Sequence[T], acts: Iterable[Callable[[T], None]]) -> None:
    """Each worker does the next act, until all are done."""
    todo = deque(acts)

    def work(worker: T) -> None:
        while True:
            try:
                act = todo.popleft()
            except IndexError:
                return
            act(worker)

    failures = [answer for answer in at_once(work, workers) if isinstance(answer, Exception)]
    assert failures == []


def some_event(chance: random.Random, amount: int) -> Event:
    """Any event that a provider might send about an order of this amount, right or wrong."""
    status = chance.choice(["succeeded", "failed", "failed", "refunded"])
    full = [(amount, "EUR"), (None, None)]
    wrong = [(amount + 1, "EUR"), (amount, "USD"), (0, "EUR")]
    part = [(chance.randrange(1, amount), "EUR")] * 3
    amounts = {"succeeded": full + wrong, "failed": full, "refunded": full + wrong + part}
    return Event(status, *chance.choice(amounts[status]))


def some_events(chance: random.Random, amount: int) -> list[Event]:
    """All events about one order. Some orders are never paid, some never refunded in full."""
    unwanted = chance.choice([[], [], ["succeeded"], ["refunded"], ["failed"], ["succeeded", "failed"]])
    events: list[Event] = []
    while len(events) < EVENTS_EACH:
        event = some_event(chance, amount)
        if Purchase(amount=amount).kind(event) not in unwanted:
            events.append(event)
    return events


def verdict(purchase: Purchase) -> tuple[object, ...]:
    """What must not depend on the order in which the events came."""
    inbox = purchase.inbox.values()
    outcomes = Counter((purchase.kind(event), event.outcome) for event in inbox if purchase.kind(event) in (
        "succeeded", "mismatched", "refunded"
    ))  # fmt: skip
    return purchase.order_status, purchase.refunded, outcomes


def after_all(chance: random.Random, purchase: Purchase, webhooks: list[Webhook]) -> Purchase:
    """The purchase when all of its events have come, in any order: some before it was ordered, some after."""
    ordered_before = chance.randrange(len(webhooks) + 1)
    for number, webhook in enumerate(chance.sample(webhooks, len(webhooks))):
        if number == ordered_before:
            purchase.state = "pending"
            purchase.settle()
        purchase.receive(webhook.key, deepcopy(webhook.event))
    if purchase.order_status is None:
        purchase.state = "pending"
        purchase.settle()
    return purchase


def test_500_webhooks_for_50_orders_three_times_each_end_as_the_model_says(
    db: Database, providers: AbstractContextManager[list[Provider]]
) -> None:
    seed = int(os.environ.get("STORM_SEED") or random.randrange(2**32))
    print(f"STORM_SEED={seed}")
    chance = random.Random(seed)
    quantities = [chance.randint(1, 3) for _ in range(ORDERS)]
    # Not one unit to spare, and no customer may have one more: whatever comes back is taken back exactly.
    product = new_product(db, sum(quantities), price=PRICE, stripes=8, max_per_customer=3)
    bought = {hold(db, product, qty, new_key()): Purchase(qty, qty * PRICE, "held") for qty in quantities}
    webhooks = {
        order_id: [Webhook(new_key(), order_id, event) for event in some_events(chance, purchase.amount)]
        for order_id, purchase in bought.items()
    }
    expected = {order_id: after_all(chance, deepcopy(bought[order_id]), webhooks[order_id]) for order_id in bought}
    for order_id, purchase in expected.items():
        for _ in range(5):
            other = after_all(chance, deepcopy(bought[order_id]), webhooks[order_id])
            assert verdict(other) == verdict(purchase), "the model itself depends on the order of events"

    deliveries: list[Callable[[Provider], None]] = [
        lambda provider, w=webhook: provider.deliver(w)  # type: ignore[misc]
        for events in webhooks.values() for webhook in events for _ in range(DELIVERIES)
    ]  # fmt: skip
    orders: list[Callable[[Provider], None]] = [
        lambda provider, o=order_id: provider.order(o)  # type: ignore[misc]
        for order_id in bought
    ]
    chance.shuffle(deliveries)
    third = len(deliveries) // 3
    during = [*deliveries[third : 2 * third], *orders]
    chance.shuffle(during)
    with providers as senders:
        for phase in (deliveries[:third], during, deliveries[2 * third :]):
            in_parallel(senders, phase)

    inbox = db.query(
        "SELECT idempotency_key, outcome, deliveries FROM payment_webhooks"
        " WHERE order_id IN (SELECT order_id FROM orders WHERE product_id = %s)", product,
    )  # fmt: skip
    assert Counter(row["deliveries"] for row in inbox) == {DELIVERIES: ORDERS * EVENTS_EACH}
    outcomes = {row["idempotency_key"]: row["outcome"] for row in inbox}
    for row in db.query("SELECT order_uuid, status, refunded_minor FROM orders WHERE product_id = %s", product):
        purchase = expected.pop(row["order_uuid"])
        came_out = deepcopy(purchase)
        for key, event in came_out.inbox.items():
            event.outcome = outcomes[key]
        came_out.state, came_out.refunded = row["status"], row["refunded_minor"]
        assert verdict(came_out) == verdict(purchase), row["order_uuid"]
        bought[row["order_uuid"]] = came_out
    assert expected == {}
    sold = sum(purchase.qty for purchase in bought.values() if purchase.state in ("pending", "paid"))
    assert stock(db, product) == (sum(quantities) - sold, 0, sold)
