"""How long an idempotency key is known, as docs/integrating.md states it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.sql.test_purging import ago
from tests.support.database import Database
from tests.support.sale import hold, new_key, new_payment, new_product, pay, refusal

__all__ = ["ago"]

Ago = Callable[[float], AbstractContextManager[None]]


def test_the_key_of_a_hold_that_ended_is_known_until_it_is_purged(db: Database, ago: Ago) -> None:
    product, key = new_product(db, 5), new_key()
    with ago(3):
        first = hold(db, product, 1, key=key)
        db.one("release_hold", first)

    db.one("purge_history", 4)
    again = db.one("create_hold", product, 1, None, key)
    assert (again["hold_id"], again["status"], again["replayed"]) == (first, "released", 1)

    db.one("purge_history", 2)
    anew = db.one("create_hold", product, 1, None, key)
    assert (anew["status"], anew["replayed"], anew["hold_id"] != first) == ("active", 0, True)


def test_a_key_of_a_hold_can_be_purged_after_a_day_and_not_before(db: Database, ago: Ago) -> None:
    product, key = new_product(db, 5), new_key()
    with ago(0.9):
        db.one("release_hold", hold(db, product, 1, key=key))

    assert refusal(lambda: db.one("purge_history", 0)).slug == "invalid_argument"
    db.one("purge_history", 1)

    assert db.one("create_hold", product, 1, None, key)["replayed"] == 1


@pytest.mark.parametrize("end", ["paid", "cancelled"])
def test_the_keys_of_an_order_and_of_its_hold_are_known_for_good(db: Database, ago: Ago, end: str) -> None:
    product, hold_key, key, event_key = new_product(db, 5), new_key(), new_key(), new_key()
    with ago(2000):
        hold_id = hold(db, product, 1, key=hold_key)
        db.one("create_order", hold_id, key)
        if end == "paid":
            pay(db, hold_id, key=event_key)
        else:
            db.one("cancel_pending_order", hold_id)

    db.one("purge_history", 1)

    assert db.one("create_hold", product, 1, None, hold_key)["replayed"] == 1
    assert (db.one("create_order", hold_id, key)["status"], db.one("create_order", hold_id, key)["replayed"]) == (
        end,
        1,
    )
    if end == "paid":
        assert pay(db, hold_id, key=event_key)["deliveries"] == 2


@pytest.mark.parametrize(("days", "known"), [(29, True), (31, False)])
def test_the_key_of_an_event_whose_payment_is_over_is_known_for_30_days(
    db: Database, ago: Ago, days: int, known: bool
) -> None:
    product, payment, key = new_product(db, 5), new_payment(), new_key()
    with ago(days):
        order_id = hold(db, product)
        db.one("create_order", order_id, None)
        pay(db, order_id, "failed", key=key, payment=payment)

    db.one("purge_history", 1)

    assert db.value("SELECT COUNT(*) FROM payment_webhooks WHERE idempotency_key = %s", key) == known
