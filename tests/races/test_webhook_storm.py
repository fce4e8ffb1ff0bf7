"""A provider that delivers everything three times, in any order, before, during and after the orders exist."""

import os
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import NamedTuple, TypeVar

import pytest

from tests.support.buyer import Buyer, buyers
from tests.support.database import Database
from tests.support.payment_model import Event, Purchase
from tests.support.sale import at_once, hold, insisting, new_key, new_product, payments_of, refunds_due, stock
from tests.support.service import Service

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
            "receive_payment_webhook", key, order_id, event.payment_id, event.status, event.amount, event.currency,
            None, None,
        ))  # fmt: skip

    return Provider(deliver, lambda order_id: insisting(lambda: session.call("create_order", order_id, None)) and None)


def by_http(buyer: Buyer) -> Provider:
    """Somebody on the web."""

    def deliver(webhook: Webhook) -> None:
        key, order_id, event = webhook
        content = {"payment_id": event.payment_id, "amount": event.amount, "currency": event.currency}
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


def some_event(chance: random.Random, order_id: str, amount: int) -> Event:
    """Any event that a provider might send about an order of this amount, right or wrong."""
    status = chance.choice(
        ["succeeded", "succeeded", "failed", "refunded", "refunded", "refund_failed", "declined", "dispute_opened"]
    )
    full = [(amount, "EUR"), (None, None)]
    wrong = [(amount + 1, "EUR"), (amount, "USD"), (0, "EUR")]
    part = [(chance.randrange(1, amount), "EUR")] * 3
    amounts = {"succeeded": full * 3 + wrong, "refunded": full + wrong + part, "refund_failed": full + part}
    payment = chance.choice([None, f"pi_1_{order_id}", f"pi_1_{order_id}", f"pi_2_{order_id}"])
    return Event(status, *chance.choice(amounts.get(status, full)), payment)


def told_in_this_order(amount: int, qty: int, webhooks: list[Webhook], ordered_before: int) -> Purchase:
    """The purchase as the model has it, when the order comes before the event of this number."""
    purchase = Purchase(webhooks[0].order_id, qty, amount, "held")
    for number, webhook in enumerate(webhooks):
        if number == ordered_before:
            purchase.order()
        purchase.receive(webhook.key, replace(webhook.event))
    if purchase.order_status is None:
        purchase.order()
    return purchase


def verdict(purchase: Purchase) -> tuple[object, ...]:
    """What has come of everything, as the model says."""
    payments = {
        payment.payment_id: (payment.state, payment.amount, payment.currency, payment.is_due)
        for payment in purchase.payments.values()
    }
    outcomes = {key: event.outcome for key, event in purchase.inbox.items()}
    return purchase.order_status, purchase.cancelled_as, payments, outcomes


def found(db: Database, order_id: str, outcomes: dict[str, str]) -> tuple[object, ...]:
    """What has come of everything, as the database says."""
    order, due = db.one("get_order", order_id), refunds_due(db, order_id)
    payments = {
        payment: (row["state"], row["amount"], row["currency"], due.get(payment, 0))
        for payment, row in payments_of(db, order_id).items()
    }
    return order["status"], order["cancelled_as"], payments, outcomes


def test_500_webhooks_for_50_orders_three_times_each_end_as_the_model_says(
    db: Database, providers: AbstractContextManager[list[Provider]]
) -> None:
    seed = int(os.environ.get("STORM_SEED") or random.randrange(2**32))
    print(f"STORM_SEED={seed}")
    chance = random.Random(seed)
    quantities = [chance.randint(1, 3) for _ in range(ORDERS)]
    # Not one unit to spare, and no customer may have one more: whatever comes back is taken back exactly.
    product = new_product(db, sum(quantities), price=PRICE, stripes=8, max_per_customer=3)
    bought = {hold(db, product, qty, new_key()): qty for qty in quantities}
    webhooks = {
        order_id: [Webhook(new_key(), order_id, some_event(chance, order_id, qty * PRICE)) for _ in range(EVENTS_EACH)]
        for order_id, qty in bought.items()
    }
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
        "SELECT idempotency_key, order_uuid, outcome, deliveries FROM payment_webhooks"
        " WHERE order_id IN (SELECT order_id FROM orders WHERE product_id = %s) ORDER BY webhook_id", product,
    )  # fmt: skip
    assert Counter(row["deliveries"] for row in inbox) == {DELIVERIES: ORDERS * EVENTS_EACH}
    sold = 0
    for order_id, qty in bought.items():
        # The events in the order in which they were decided; only when the order came among them is not written down.
        came = {row["idempotency_key"]: row["outcome"] for row in inbox if row["order_uuid"] == order_id}
        in_order = sorted(webhooks[order_id], key=lambda webhook: list(came).index(webhook.key))
        ends = [told_in_this_order(qty * PRICE, qty, in_order, place) for place in range(EVENTS_EACH + 1)]
        assert found(db, order_id, came) in [verdict(end) for end in ends], order_id
        sold += qty if db.one("get_order", order_id)["status"] in ("pending", "paid") else 0
    assert stock(db, product) == (sum(quantities) - sold, 0, sold)
