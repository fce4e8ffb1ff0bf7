"""How the outbox hands out what is due: to one caller, in order for each order, again and again for three days."""

import datetime
from collections.abc import Callable, Iterator

import pytest

from tests.support.database import Database, Row
from tests.support.numbers import numbers
from tests.support.outbox import (
    LEASE,
    claim,
    deliver,
    deliver_all,
    fail,
    kinds,
    new_receiver,
    outbox,
    told,
)
from tests.support.sale import at_once, new_payment, new_product, nobody_sweeps, order, pay, refusal

PAUSES = [5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 3600]


@pytest.fixture
def receiver(db: Database, connect_as: Callable[..., Database]) -> Iterator[str]:
    """The one who is told; it hears of nothing but what the test does."""
    name = new_receiver()
    with nobody_sweeps(connect_as("admin")), told(db, name):
        yield name


def one_order(db: Database) -> str:
    """An order of a product of its own."""
    return order(db, new_product(db, 2))


def test_what_is_due_is_handed_out_once_with_a_message_id_of_its_own(db: Database, receiver: str) -> None:
    orders = [one_order(db) for _ in range(3)]

    first, second, none = claim(db, receiver, 2), claim(db, receiver, 2), claim(db, receiver)
    assert [row["subject"] for row in first + second] == orders
    assert none == []
    assert len({row["message_id"] for row in first + second}) == 3
    assert {row["attempt"] for row in first + second} == {1}


def test_the_next_of_an_order_waits_until_the_one_before_is_delivered(db: Database, receiver: str) -> None:
    order_id = one_order(db)
    pay(db, order_id, payment=(payment := new_payment()))
    pay(db, order_id, "refunded", payment=payment)

    [created] = claim(db, receiver)
    assert claim(db, receiver) == []
    deliver(db, created)
    [paid] = claim(db, receiver)
    assert claim(db, receiver) == []
    deliver(db, paid)
    [refunded] = claim(db, receiver)
    assert [row["kind"] for row in (created, paid, refunded)] == kinds(db, receiver, order_id)


def test_an_order_that_waits_keeps_no_other_order_waiting(db: Database, receiver: str) -> None:
    stuck = [one_order(db) for _ in range(20)]
    for order_id in stuck:
        pay(db, order_id)
    for row in claim(db, receiver):
        fail(db, row)
    other = one_order(db)

    # The paid ones are due since before, and of more than a handful, but wait for the ones before them.
    assert [row["subject"] for row in claim(db, receiver, 5)] == [other]


def test_callers_at_once_get_each_notification_once(
    db: Database, receiver: str, connect_as: Callable[..., Database]
) -> None:
    orders = [one_order(db) for _ in range(40)]
    callers = [connect_as("api") for _ in range(4)]

    def work(caller: Database) -> list[Row]:
        found: list[Row] = []
        while rows := claim(caller, receiver, 5):
            found += rows
        return found

    results = at_once(work, callers)
    found = [row["subject"] for rows in results if isinstance(rows, list) for row in rows]
    found += [row["subject"] for row in claim(db, receiver)]
    assert sorted(found) == sorted(orders)


def test_who_was_killed_between_claim_and_settle_is_relieved_when_the_lease_ends(db: Database, receiver: str) -> None:
    one_order(db)
    [lost] = claim(db, receiver)

    db.travel(LEASE - 1)
    assert claim(db, receiver) == []
    db.travel(LEASE + 1)
    [again] = claim(db, receiver)
    assert (again["notification_id"], again["message_id"], again["attempt"]) == (
        lost["notification_id"], lost["message_id"], 2,
    )  # fmt: skip


def test_a_failure_of_who_was_relieved_changes_nothing_and_a_success_counts(db: Database, receiver: str) -> None:
    one_order(db)
    [first] = claim(db, receiver)
    db.travel(LEASE + 1)
    [second] = claim(db, receiver)

    assert fail(db, first)["due_at"] == db.value(
        "SELECT due_at FROM notifications WHERE notification_id = %s", second["notification_id"]
    )
    assert db.call("list_notifications", "pending", 1)[0]["last_error"] is None
    assert deliver(db, first)["state"] == "delivered"
    assert fail(db, second)["state"] == "delivered"


def test_what_is_given_back_is_due_at_once_and_counts_for_no_attempt(db: Database, receiver: str) -> None:
    one_order(db)
    [row] = claim(db, receiver)
    fail(db, row, "")

    assert claim(db, receiver) == [row]


def test_pauses_grow_for_three_days_and_then_it_has_failed(db: Database, receiver: str) -> None:
    order_id = one_order(db)
    pay(db, order_id)
    began = now = db.now()
    pauses = []
    while True:
        db.travel_to(now)
        [row] = claim(db, receiver)
        assert row["kind"] == "order.created"
        after = fail(db, row, f"attempt {row['attempt']}: 503")
        if after["state"] == "failed":
            break
        pauses.append((after["due_at"] - now).total_seconds())
        now = after["due_at"]
    assert pauses[:11] == PAUSES
    assert datetime.timedelta(days=3) - (now - began) < datetime.timedelta(hours=1)
    [failed] = [row for row in db.call("list_notifications", "failed", 10) if row["subject"] == order_id]
    assert failed["last_error"] == f"attempt {failed['attempts']}: 503"

    # The one behind is let past, and the operator sends the failed one again.
    assert [row["kind"] for row in claim(db, receiver)] == ["order.paid"]
    again = db.one("resend_notification", failed["notification_id"])
    assert (again["state"], again["message_id"]) == ("pending", failed["message_id"])
    assert [row["notification_id"] for row in claim(db, receiver)] == [failed["notification_id"]]


def test_a_receiver_that_was_gone_for_an_hour_hears_all_of_it_in_order(db: Database, receiver: str) -> None:
    orders = [one_order(db) for _ in range(5)]
    for order_id in orders:
        pay(db, order_id)
    start = db.now()
    for seconds in range(0, 3600, 20):
        db.travel_to(start + datetime.timedelta(seconds=seconds))
        for row in claim(db, receiver):
            fail(db, row, "ConnectError")
    db.travel_to(start + datetime.timedelta(seconds=3600 + 1800))

    arrived = deliver_all(db, receiver)
    assert sorted(arrived) == sorted(
        (kind, order_id) for order_id in orders for kind in ("order.created", "order.paid")
    )
    for order_id in orders:
        assert [kind for kind, subject in arrived if subject == order_id] == ["order.created", "order.paid"]


def test_a_dead_receiver_does_not_hold_up_another(db: Database, connect_as: Callable[..., Database]) -> None:
    dead, alive = new_receiver(), new_receiver()
    with nobody_sweeps(connect_as("admin")), told(db, dead, alive):
        order_id = one_order(db)
        pay(db, order_id)
        for row in claim(db, dead):
            fail(db, row)

        assert deliver_all(db, alive) == [("order.created", order_id), ("order.paid", order_id)]
        assert [state for _, state, _ in outbox(db, dead, order_id)] == ["pending", "pending"]


def test_what_was_delivered_may_be_sent_again(db: Database, receiver: str) -> None:
    one_order(db)
    [row] = claim(db, receiver)
    deliver(db, row)
    db.one("resend_notification", row["notification_id"])

    [again] = claim(db, receiver)
    assert again["message_id"] == row["message_id"]


def test_nothing_is_sent_again_to_who_is_told_nothing_any_more(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    gone = new_receiver()
    with nobody_sweeps(connect_as("admin")), told(db, gone):
        one_order(db)
        [row] = claim(db, gone)

    refused = refusal(lambda: db.one("resend_notification", row["notification_id"]))
    assert refused.slug == "invalid_argument"
    assert refusal(lambda: db.one("resend_notification", 2**62)).slug == "invalid_argument"
    assert db.call("settle_notification", 2**62, 1, None) == []


def test_the_lists_and_the_metrics_count_what_waits_and_what_failed(db: Database, receiver: str) -> None:
    orders = [one_order(db) for _ in range(2)]
    [first, _] = claim(db, receiver)
    deliver(db, first)
    db.travel(50)

    metrics = numbers(db, live=True)
    assert metrics["notifications", None, "pending"] == 1
    assert 49 < metrics["oldest_notification_seconds", None, None] < 60
    listed = [row for row in db.call("list_notifications", None, 10) if row["subject"] in orders]
    assert [(row["state"], row["attempts"]) for row in listed] == [("pending", 1), ("delivered", 1)]
