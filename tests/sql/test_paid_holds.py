"""A hold that is paid before its order: it does not expire, and when nobody orders it, the sweep does."""

import datetime
from collections.abc import Callable, Iterator

import pytest

from tests.support.database import Database
from tests.support.sale import hold, new_key, new_payment, new_product, pay, refunds_due, refusal, stock, sweep

MICROSECOND = datetime.timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def sweep_now(connect_as: Callable[..., Database]) -> Iterator[Callable[[Database], int]]:
    """The EVENT sweeps nothing; `sweep_now(db)` sweeps in the time of this session and says how many orders it made."""
    admin = connect_as("admin")
    admin.value("SELECT GET_LOCK('sweep.flashsale', 10)")

    def now(db: Database) -> int:
        admin.query("DO RELEASE_ALL_LOCKS()")
        made = sweep(db)["orders_made"]
        admin.value("SELECT GET_LOCK('sweep.flashsale', 10)")
        return int(made)

    # Paid holds that other tests left behind become orders now, and are counted no more.
    with_others_gone = connect_as("dba")
    with_others_gone.travel(30 * 86400)
    now(with_others_gone)
    yield now
    admin.query("DO RELEASE_ALL_LOCKS()")


def paid_hold(db: Database, product: int, qty: int = 1, customer: str | None = None) -> str:
    """A hold, and a payment that waits for its order."""
    hold_id = hold(db, product, qty, customer)
    assert pay(db, hold_id, payment=new_payment())["payment_state"] == "waiting"
    return hold_id


def test_a_paid_hold_says_until_when_its_buyer_may_order_it_and_nobody_else_gets_its_units(db: Database) -> None:
    product = new_product(db, 1, hold_seconds=60, payment_seconds=600)
    db.travel(1)
    hold_id = paid_hold(db, product)
    paid_at = db.now()

    prolonged = db.one("get_hold", hold_id)

    assert prolonged["expires_at"] == paid_at + datetime.timedelta(seconds=600)
    assert (prolonged["status"], prolonged["expires_in_ms"], prolonged["ended_at"]) == ("active", 600_000, None)
    db.travel(400)
    assert stock(db, product) == (0, 1, 0)
    assert refusal(lambda: hold(db, product)).slug == "sold_out"
    [mine] = db.query("SELECT status, due_at FROM purchases WHERE id = %s", hold_id)
    assert (mine["status"], mine["due_at"]) == ("held", prolonged["expires_at"])


def test_the_sweep_makes_the_order_at_its_moment_and_not_a_microsecond_earlier(
    db: Database, sweep_now: Callable[[Database], int]
) -> None:
    product = new_product(db, 3, max_per_customer=3)
    hold_id = paid_hold(db, product, 2, "alice")
    due_at = db.one("get_hold", hold_id)["expires_at"]

    db.travel_to(due_at - MICROSECOND)
    assert sweep_now(db) == 0
    assert db.one("get_hold", hold_id)["status"] == "active"
    db.travel_to(due_at)
    assert sweep_now(db) == 1

    made = db.one("get_order", hold_id)
    assert (made["status"], made["customer_id"], made["amount"]) == ("paid", "alice", 2000)
    assert (made["created_at"], made["paid_at"]) == (due_at, due_at)
    assert db.value("SELECT idempotency_key FROM orders WHERE order_uuid = %s", hold_id) is None
    assert stock(db, product) == (1, 0, 2)
    assert sweep_now(db) == 0
    beat = db.value("SELECT orders_made FROM sweep_heartbeat ORDER BY run_id DESC LIMIT 1")
    assert beat == 0


def test_a_paid_hold_that_the_sweep_has_not_seen_yet_is_not_lost_and_is_ordered_by_its_buyer(db: Database) -> None:
    product = new_product(db, 1)
    hold_id = paid_hold(db, product)
    db.travel(7 * 86400)

    late = db.one("get_hold", hold_id)

    assert (late["status"], late["expires_in_ms"]) == ("active", 0)
    assert refusal(lambda: hold(db, product)).slug == "sold_out"
    assert db.one("create_order", hold_id, new_key())["status"] == "paid"


def test_a_buyer_who_comes_after_the_sweep_made_the_order_is_told_so(
    db: Database, sweep_now: Callable[[Database], int]
) -> None:
    hold_id = paid_hold(db, new_product(db, 1))
    db.travel(901)
    sweep_now(db)

    refused = refusal(lambda: db.one("create_order", hold_id, new_key()))

    assert (refused.slug, "get_order" in refused.detail) == ("hold_already_used", True)
    assert db.one("get_order", hold_id)["status"] == "paid"


@pytest.mark.parametrize("extension", [None, 60])
def test_a_paid_hold_is_extended_without_any_change(db: Database, extension: int | None) -> None:
    product = new_product(db, 1)
    db.one("set_limits", product, extension_seconds=extension, reason="patience")
    db.travel(1)
    hold_id = paid_hold(db, product)
    before = db.one("get_hold", hold_id)

    assert db.one("extend_hold", hold_id) == {**before, "replayed": 1}
    assert db.one("get_hold", hold_id) == before


def test_a_paid_hold_whose_money_went_back_keeps_the_extension_that_it_had(db: Database) -> None:
    product = new_product(db, 1)
    db.one("set_limits", product, extension_seconds=60, reason="patience")
    hold_id, pi_1 = hold(db, product), new_payment()
    extended = db.one("extend_hold", hold_id)

    pay(db, hold_id, payment=pi_1)
    pay(db, hold_id, "refunded", payment=pi_1)

    assert db.one("get_hold", hold_id)["expires_at"] == extended["expires_at"]


def test_a_paid_hold_is_given_back_by_its_buyer_and_its_money_is_due(
    db: Database, sweep_now: Callable[[Database], int]
) -> None:
    product = new_product(db, 2, max_per_customer=2)
    hold_id, pi_1 = hold(db, product, 2, "alice"), new_payment()
    pay(db, hold_id, payment=pi_1)
    shown_until = db.one("get_hold", hold_id)["expires_at"]

    released = db.one("release_hold", hold_id)

    assert (released["status"], released["expires_at"]) == ("released", shown_until)
    assert stock(db, product) == (2, 0, 0)
    hold(db, product, 2, "alice")
    assert sweep_now(db) == 0
    assert refunds_due(db, hold_id) == {pi_1: 2000}


def test_more_paid_holds_than_one_are_ordered_in_one_sweep_and_a_busy_one_is_left_to_the_next(
    db: Database, connect_as: Callable[..., Database], sweep_now: Callable[[Database], int]
) -> None:
    first, second = new_product(db, 10), new_product(db, 10)
    holds = [paid_hold(db, product) for product in (first, second, first)]
    db.travel(901)
    buyer = connect_as("admin")
    buyer.query("START TRANSACTION")
    buyer.query("SELECT * FROM holds WHERE hold_id = UUID_TO_BIN(%s) FOR UPDATE", holds[1])

    assert sweep_now(db) == 2
    buyer.query("ROLLBACK")
    assert sweep_now(db) == 1

    assert [db.one("get_order", hold_id)["status"] for hold_id in holds] == ["paid"] * 3
