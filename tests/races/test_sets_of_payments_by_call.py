"""Sets of orders and of payment events beside others of the same, single ones, the sweep and who cancels."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database, Refused, Row
from tests.support.purchase_sets import Request, order_alone, order_set, order_wish, pay_alone, pay_set, success
from tests.support.sale import (
    at_once,
    hold,
    insisting,
    new_key,
    new_payment,
    new_product,
    order,
    stock,
    sweep,
    total,
)
from tests.support.storm import deadlocks, last_deadlock

Crowd = Callable[[int], list[Database]]


@pytest.fixture
def admin(connect_as: Callable[..., Database]) -> Database:
    """Somebody who sees how many deadlocks there were."""
    return connect_as("admin")


def heard(answer: Row | str) -> str:
    """What a buyer or the provider makes of an answer: done, replayed, what the event did, or the slug of a refusal."""
    if isinstance(answer, str):
        return answer
    return "replayed" if answer["replayed"] else answer.get("outcome", "done")


def shuffled(session: Database, requests: list[Any], seed: object) -> list[Any]:
    """Each session's own order of them."""
    return random.Random(f"{seed} {id(session)}").sample(requests, len(requests))


def make_orders(session: Database, requests: list[Request]) -> Counter[str]:
    """What the buyers of a set hear in the end: for those who were left alone create_order is called."""
    rows = order_set(session, requests)
    return Counter(
        heard(row if row["answer"] == "done" else insisting(lambda r=each: order_alone(session, r)))
        for row, each in zip(rows, requests, strict=True)
    )


def deliver(session: Database, events: list[Request]) -> Counter[str]:
    """What the provider of a set of events hears in the end."""
    rows = pay_set(session, events)
    return Counter(
        heard(row if row["answer"] == "done" else insisting(lambda e=each: pay_alone(session, e)))
        for row, each in zip(rows, events, strict=True)
    )


def test_sets_that_repeat_each_other_in_any_order_make_one_order_of_each_hold(
    db: Database, crowd: Crowd, admin: Database
) -> None:
    before = deadlocks(admin)
    for turn in range(5):
        product = new_product(db, 12)
        requests = [order_wish(hold(db, product)) for _ in range(12)]

        answers = at_once(lambda s, r=requests, t=turn: make_orders(s, shuffled(s, r, t)), crowd(6))

        assert total(answers) == {"done": 12, "replayed": 60}
        assert stock(db, product) == (0, 0, 12)
    assert deadlocks(admin) == before, last_deadlock(admin)


def test_sets_for_the_same_holds_under_other_keys_make_one_order_of_each_hold(
    db: Database, crowd: Crowd, admin: Database
) -> None:
    before = deadlocks(admin)
    for turn in range(5):
        product = new_product(db, 24, stripes=2)
        cheap = new_product(db, 24, price=1)
        holds = [hold(db, each) for each in (product, cheap) for _ in range(10)]

        def act(session: Database, holds: list[str] = holds, turn: int = turn) -> Counter[str]:
            return make_orders(session, [order_wish(each) for each in shuffled(session, holds, turn)])

        assert total(at_once(act, crowd(6))) == {"done": 20, "hold_already_used": 100}
        assert (stock(db, product), stock(db, cheap)) == ((14, 0, 10), (14, 0, 10))
    assert deadlocks(admin) == before, last_deadlock(admin)


def test_keys_that_several_sets_have_in_common_make_one_order_each(db: Database, crowd: Crowd) -> None:
    for turn in range(6):
        product, keys = new_product(db, 48), [new_key() for _ in range(8)]

        def act(session: Database, product: int = product, keys: list[str] = keys, turn: int = turn) -> Counter[str]:
            return make_orders(session, [order_wish(hold(session, product), k) for k in shuffled(session, keys, turn)])

        assert total(at_once(act, crowd(6))) == {"done": 8, "idempotency_key_reused": 40}
        assert stock(db, product) == (0, 40, 8)


def test_a_hold_is_ordered_or_released_or_ends_with_its_sale_whoever_is_first(
    db: Database, crowd: Crowd, admin: Database
) -> None:
    buyer, second, releaser, operator, sweeper = crowd(5)
    before = deadlocks(admin)
    for turn in range(6):
        product, other = new_product(db, 12, stripes=2, max_per_customer=100), new_product(db, 12)
        holds = [hold(db, each, 1, "ann") for each in (product, other) for _ in range(10)]

        def act(session: Database, holds: list[str] = holds, turn: int = turn, other: int = other) -> Counter[str]:
            mine = shuffled(session, holds, turn)
            if session in (buyer, second):
                return make_orders(session, [order_wish(each) for each in mine])
            for each in mine[:10] if session is releaser else []:
                try:
                    session.one("release_hold", each)
                except Refused as refused:
                    assert refused.slug in ("hold_already_used", "hold_released"), refused
            if session is operator:
                session.one("stop_sale", other, "as it comes")
            elif session is sweeper:
                sweep(session)
            return Counter()

        everything = total(at_once(act, [buyer, second, releaser, operator, sweeper]))

        ordered = db.value("SELECT COUNT(*) FROM orders WHERE product_id IN (%s, %s)", product, other)
        assert everything["done"] == ordered
        assert everything["done"] + everything["hold_already_used"] + everything["hold_released"] == 40
        assert db.call("check_invariants") == []
    assert deadlocks(admin) == before, last_deadlock(admin)


def test_sets_of_events_that_repeat_each_other_pay_each_order_once(db: Database, crowd: Crowd, admin: Database) -> None:
    before = deadlocks(admin)
    for turn in range(5):
        product = new_product(db, 12, max_per_customer=2)
        events = [success(order(db, product, 1, f"buyer {n % 6}"), payment_id=new_payment()) for n in range(12)]

        answers = at_once(lambda s, e=events, t=turn: deliver(s, shuffled(s, e, t)), crowd(6))

        assert total(answers) == {"applied": 12, "replayed": 60}
        keys = [event["idempotency_key"] for event in events]
        assert db.value(
            f"SELECT SUM(deliveries) FROM payment_webhooks WHERE idempotency_key IN ({', '.join(['%s'] * 12)})", *keys
        ) == 72  # fmt: skip
        assert db.value("SELECT SUM(unpaid_units) FROM customer_units WHERE product_id = %s", product) == 0
    assert deadlocks(admin) == before, last_deadlock(admin)


def test_other_payments_of_the_same_orders_at_once_pay_each_once_and_the_rest_is_due(
    db: Database, crowd: Crowd, admin: Database
) -> None:
    before = deadlocks(admin)
    for turn in range(6):
        product = new_product(db, 10)
        orders = [order(db, product) for _ in range(10)]

        def act(session: Database, orders: list[str] = orders, turn: int = turn) -> Counter[str]:
            mine = shuffled(session, orders, turn)
            return deliver(session, [success(each, payment_id=new_payment()) for each in mine])

        assert total(at_once(act, crowd(5))) == {"applied": 10, "refund_due": 40}
        assert stock(db, product) == (0, 0, 10)
    assert deadlocks(admin) == before, last_deadlock(admin)


@pytest.mark.parametrize("member", ["idempotency_key", "payment_id"])
def test_events_or_payments_that_several_sets_have_in_common_act_once(db: Database, crowd: Crowd, member: str) -> None:
    for turn in range(6):
        product, names = new_product(db, 40), [new_key() for _ in range(8)]
        orders = {session: [order(db, product) for _ in names] for session in crowd(5)}

        def act(
            session: Database, orders: dict[Database, list[str]] = orders, names: list[str] = names, turn: int = turn
        ) -> Counter[str]:
            mine = zip(orders[session], shuffled(session, names, turn), strict=True)
            return deliver(session, [success(each, **{member: name}) for each, name in mine])

        everything = total(at_once(act, crowd(5)))

        other = "idempotency_key_reused" if member == "idempotency_key" else "ignored"
        assert everything == {"applied": 8, other: 32}
        assert db.value("SELECT COUNT(*) FROM orders WHERE product_id = %s AND status = 'paid'", product) == 8


def test_an_order_is_paid_or_cancelled_whoever_is_first_and_money_is_due_where_it_came_too_late(
    db: Database, crowd: Crowd, admin: Database
) -> None:
    provider, second, operator, buyer, sweeper = crowd(5)
    before = deadlocks(admin)
    for turn in range(6):
        product = new_product(db, 24, stripes=2, max_per_customer=100)
        orders = [order(db, product, 1, f"buyer {number % 3}") for number in range(24)]
        sweeper.travel(901)

        def act(session: Database, orders: list[str] = orders, turn: int = turn) -> Counter[str]:
            mine = shuffled(session, orders, turn)
            if session in (provider, second):
                return deliver(session, [success(each, payment_id=f"pi {each}") for each in mine])
            for each in mine[:8]:
                try:
                    if session is operator:
                        session.one("cancel_order", each, "as it comes")
                    elif session is buyer:
                        session.one("cancel_pending_order", each)
                except Refused as refused:
                    assert refused.slug == "order_not_cancellable", refused
            if session is sweeper:
                sweep(session)
            return Counter()

        everything = total(at_once(act, [provider, second, operator, buyer, sweeper]))
        sweeper.come_back()

        ended = db.query("SELECT status, COUNT(*) AS n FROM orders WHERE product_id = %s GROUP BY 1", product)
        count = {row["status"]: row["n"] for row in ended}
        assert count.get("paid", 0) + count.get("cancelled", 0) == 24
        assert everything["applied"] == count.get("paid", 0)
        assert everything["refund_due"] == count.get("cancelled", 0)
        assert stock(db, product) == (24 - count.get("paid", 0), 0, count.get("paid", 0))
        unpaid = "SELECT SUM(unpaid_units) FROM customer_units WHERE product_id = %s"
        assert db.value(unpaid, product) == 0
        assert db.call("check_invariants") == []
    assert deadlocks(admin) == before, last_deadlock(admin)


def test_orders_and_their_payments_at_the_same_instant_always_end_paid(
    db: Database, crowd: Crowd, admin: Database
) -> None:
    sessions = crowd(4)
    before = deadlocks(admin)
    for turn in range(6):
        product = new_product(db, 20, stripes=4)
        holds = [hold(db, product) for _ in range(20)]
        requests, events = [order_wish(each) for each in holds], [success(each, amount=1000) for each in holds]

        def act(
            session: Database, requests: list[Request] = requests, events: list[Request] = events, turn: int = turn
        ) -> Counter[str]:
            if session in sessions[:2]:
                return make_orders(session, shuffled(session, requests, turn))
            return deliver(session, shuffled(session, events, turn))

        everything = total(at_once(act, sessions))

        assert (everything["done"], everything["replayed"]) == (20, 40)
        assert db.value("SELECT COUNT(*) FROM orders WHERE product_id = %s AND status = 'paid'", product) == 20
        assert stock(db, product) == (0, 0, 20)
    assert deadlocks(admin) == before, last_deadlock(admin)
