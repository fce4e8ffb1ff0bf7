"""What purge_history deletes: what ended long ago, and nothing that still counts, waits, is due, or may be repeated."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.support.database import Database
from tests.support.sale import (
    hold,
    new_key,
    new_payment,
    new_product,
    order,
    pay,
    payments_of,
    refunds_due,
    refusal,
    stock,
    sweep,
)

Ago = Callable[[float], AbstractContextManager[None]]


@pytest.fixture
def ago(db: Database, connect_as: Callable[..., Database]) -> Iterator[Ago]:
    """`with ago(40): …` lets the session live 40 days ago, while no sweep of today ends what it makes there."""
    admin = connect_as("admin")

    @contextmanager
    def live(days: float) -> Iterator[None]:
        assert admin.value("SELECT GET_LOCK('sweep.flashsale', 10)") == 1
        db.travel(-days * 86400)
        yield
        db.come_back()
        admin.query("DO RELEASE_ALL_LOCKS()")

    yield live
    admin.query("DO RELEASE_ALL_LOCKS()")


def events_of(db: Database, *payments: str) -> int:
    """How many events of these payments are in the inbox."""
    counts = "SELECT COUNT(*) FROM payment_webhooks WHERE payment_id = %s"
    return sum(int(db.value(counts, payment)) for payment in payments)


def test_a_purge_deletes_what_ended_long_ago_and_nothing_that_still_counts(db: Database, ago: Ago) -> None:
    product = new_product(db, 30)
    with ago(3):
        old = hold(db, product, 1, key=(old_key := new_key()))
        db.one("release_hold", old)
        expired, waiting, paid = hold(db, product), hold(db, product), order(db, product)
        pay(db, paid)
        pay(db, waiting)
    db.one("release_hold", young := hold(db, product))
    sweep(db)
    before = stock(db, product)

    purged = db.one("purge_history", 2)

    assert purged["holds_deleted"] >= 1
    assert refusal(lambda: db.one("get_hold", old)).slug == "hold_not_found"
    # It ended when the sweep saw it, and that was today.
    assert refusal(lambda: db.one("get_hold", expired)).slug == "hold_expired"
    assert refusal(lambda: db.one("get_hold", young)).slug == "hold_released"
    assert db.one("get_hold", paid)["status"] == "ordered"
    assert db.one("get_order", waiting)["status"] == db.one("get_order", paid)["status"] == "paid"
    assert stock(db, product) == before
    units = db.query("SELECT SUM(units) AS free FROM stock_ledger WHERE product_id = %s", product)
    assert units == [{"free": before[0]}]
    hold(db, product, 1, key=old_key)


@pytest.mark.parametrize("days", [1, 29, 30, 31, 45])
def test_a_repeat_of_an_event_is_known_for_30_days_however_much_is_purged(db: Database, ago: Ago, days: int) -> None:
    order_id, pi_1, key = order(db, new_product(db, 1)), new_payment(), new_key()
    with ago(days):
        pay(db, order_id, "failed", key=key, payment=pi_1)

    db.one("purge_history", 1)

    again = pay(db, order_id, "failed", key=key, payment=pi_1)
    assert again["replayed"] == (days < 30)
    assert (again["payment_state"], again["order_status"]) == ("failed", "cancelled")


def test_events_are_kept_for_longer_when_more_days_are_asked_for(db: Database, ago: Ago) -> None:
    order_id, pi_1 = order(db, new_product(db, 1)), new_payment()
    with ago(40):
        pay(db, order_id, "failed", payment=pi_1)

    db.one("purge_history", 50)
    assert events_of(db, pi_1) == 1
    db.one("purge_history", 35)
    assert events_of(db, pi_1) == 0


def test_the_event_that_came_last_decides_when_those_of_a_payment_are_purged(db: Database, ago: Ago) -> None:
    order_id, pi_1 = order(db, new_product(db, 1)), new_payment()
    with ago(40):
        pay(db, order_id, "failed", payment=pi_1)
    with ago(20):
        pay(db, order_id, "declined", payment=pi_1)

    db.one("purge_history", 1)

    assert events_of(db, pi_1) == 2


def test_what_is_due_waits_or_pays_is_never_purged(db: Database, ago: Ago) -> None:
    product = new_product(db, 10)
    due, waiting, paying, part = (new_payment() for _ in range(4))
    with ago(400):
        withdrawn, held, paid, partly = order(db, product), hold(db, product), order(db, product), order(db, product)
        db.one("cancel_order", withdrawn, "fraud")
        pay(db, withdrawn, payment=due)
        pay(db, held, payment=waiting)
        pay(db, paid, payment=paying)
        pay(db, partly, payment=part)
        pay(db, partly, "refunded", 400, payment=part)
        db.one("purge_history", 1)
        assert events_of(db, due, waiting, paying, part) == 5
    sweep(db)

    db.one("purge_history", 1)

    assert events_of(db, due, waiting, paying, part) == 5
    assert refunds_due(db, withdrawn) == {due: 1000}


def test_a_payment_that_went_back_keeps_its_row_with_its_order_and_what_the_order_says(db: Database, ago: Ago) -> None:
    product, pi_1 = new_product(db, 10), new_payment()
    with ago(40):
        order_id = order(db, product)
        pay(db, order_id, payment=pi_1)
        pay(db, order_id, "refunded", payment=pi_1)
    before = db.one("get_order", order_id)

    db.one("purge_history", 35)

    assert events_of(db, pi_1) == 0
    assert db.one("get_order", order_id) == before
    assert (before["status"], before["refunded"]) == ("refunded", 1000)
    assert payments_of(db, order_id)[pi_1]["state"] == "settled"
    assert pay(db, order_id, payment=pi_1)["outcome"] == "ignored"


def test_a_payment_of_no_order_goes_with_its_events_once_its_money_went_back(db: Database, ago: Ago) -> None:
    pi_1, pi_2 = new_payment(), new_payment()
    with ago(40):
        pay(db, "cart of ada", "succeeded", 700, "EUR", payment=pi_1)
        pay(db, "cart of bob", "succeeded", 800, "EUR", payment=pi_2)
    sweep(db)
    db.one("record_refund", pi_1, "re_1")

    db.one("purge_history", 35)

    known = db.query("SELECT payment_id FROM payments WHERE payment_id IN (%s, %s)", pi_1, pi_2)
    assert [row["payment_id"] for row in known] == [pi_2]
    assert events_of(db, pi_1) == 0
    assert refunds_due(db, None)[pi_2] == 800


def test_an_event_that_moved_no_payment_is_purged_after_30_days(db: Database, ago: Ago) -> None:
    keys = {}
    for days in (29, 31):
        with ago(days):
            keys[days] = new_key()
            db.one("receive_payment_webhook", keys[days], None, None, "other", None, None, None, None)

    db.one("purge_history", 1)

    left = db.query("SELECT idempotency_key FROM payment_webhooks WHERE payment_status = 'other'")
    assert {row["idempotency_key"] for row in left} & set(keys.values()) == {keys[29]}


def test_more_than_one_batch_is_purged_in_one_call_and_a_locked_payment_is_left_to_the_next(
    db: Database, connect_as: Callable[..., Database], ago: Ago
) -> None:
    product, admin = new_product(db, 10), connect_as("admin")
    with ago(40):
        busy, failed = order(db, product), new_payment()
        pay(db, busy, "failed", payment=failed)
    admin.query("SET SESSION cte_max_recursion_depth = 10000")
    admin.query(
        "INSERT INTO hold_history (hold_id, product_id, qty, unit_price_minor, created_at, expires_at, ended_at,"
        " ended_as)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2100)"
        " SELECT UUID_TO_BIN(UUID(), 1), %s, 1, 1000, t.at, t.at + INTERVAL 1 SECOND, t.at + INTERVAL 1 SECOND,"
        " 'stopped' FROM n JOIN (SELECT UTC_TIMESTAMP(6) - INTERVAL 40 DAY AS at) AS t",
        product,
    )
    admin.query("START TRANSACTION")
    admin.query("SELECT * FROM payments WHERE payment_id = %s FOR UPDATE", failed)

    assert db.one("purge_history", 35)["holds_deleted"] >= 2100
    admin.query("ROLLBACK")

    assert events_of(db, failed) == 1
    assert db.one("purge_history", 35)["webhooks_deleted"] == 1
    assert db.one("purge_history", 35) == {"holds_deleted": 0, "webhooks_deleted": 0, "notifications_deleted": 0}
