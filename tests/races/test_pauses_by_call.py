"""A sale is paused and resumed while buyers, payments and the sweep are at it: nobody loses time by it."""

import datetime
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.database import Database
from tests.support.hold_sets import answers, hold_set, wish
from tests.support.sale import at_once, hold, new_key, new_payment, new_product, order, pay, refusal, stock, sweep
from tests.support.waiting import Waiting, locked, until

Crowd = Callable[[int], list[Database]]
SECOND = datetime.timedelta(seconds=1)
PRODUCT = "SELECT 1 FROM products WHERE product_id = %s FOR UPDATE"
ORDER = "SELECT 1 FROM orders WHERE order_id = UUID_TO_BIN(%s) FOR UPDATE"
HOLD = "SELECT 1 FROM holds WHERE hold_id = UUID_TO_BIN(%s) FOR UPDATE"
LAST_ACTION = "SELECT 1 FROM operator_actions WHERE action_id > 0 ORDER BY action_id DESC LIMIT 1 FOR UPDATE"


@pytest.fixture
def admin(connect_as: Callable[..., Database]) -> Database:
    """Somebody who locks rows and sees who waits."""
    session = connect_as("admin")
    session.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    return session


@pytest.fixture
def begin(admin: Database) -> Iterator[Waiting]:
    """`begin(call)`: it waits for a lock by now."""
    with ThreadPoolExecutor(4) as pool:
        yield Waiting(admin, pool)


def test_a_buyer_who_waits_for_the_product_while_it_is_paused_is_refused_alone_or_in_a_set(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10)
    operator, buyer, together = crowd(3)

    with locked(admin, PRODUCT, product):
        paused = begin(lambda: operator.one("pause_sale", product, "the shop is down"))
        single = begin(lambda: buyer.one("create_hold", product, 1, None, new_key()))
        several = begin(lambda: hold_set(together, [wish(product), wish(product)]))

    assert paused.result()["paused_at"]
    assert refusal(single.result).slug == "sale_paused"
    assert answers(several.result()) == ["sale_paused"] * 2
    assert stock(db, product) == (10, 0, 0)


def test_an_order_that_waits_for_the_end_of_a_pause_finds_the_hold_alive(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, hold_seconds=1)
    held = hold(db, product)
    db.one("pause_sale", product, "the shop is down")
    until(db, db.one("get_hold", held)["created_at"] + 1.5 * SECOND)
    operator, buyer = crowd(2)

    with locked(admin, PRODUCT, product):
        resumed = begin(lambda: operator.one("resume_sale", product, "the shop is back"))
        ordered = begin(lambda: buyer.one("create_order", held, new_key()))

    assert resumed.result()["paused_at"] is None
    assert ordered.result()["status"] == "pending"


def test_what_runs_out_while_the_pause_waits_for_the_product_has_run_out(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, hold_seconds=1)
    held = hold(db, product)
    expires_at = db.one("get_hold", held)["expires_at"]
    [operator] = crowd(1)

    with locked(admin, PRODUCT, product):
        paused = begin(lambda: operator.one("pause_sale", product, "the shop is down"))
        until(db, expires_at)

    assert paused.result()["paused_at"] >= expires_at
    assert refusal(lambda: db.one("create_order", held, None)).slug == "hold_expired"


def test_a_sweep_in_the_middle_of_a_pause_that_is_not_committed_yet_ends_nothing_that_the_pause_keeps(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, hold_seconds=1, payment_seconds=1)
    held, pending = hold(db, product), order(db, product)
    pay_by = db.one("get_order", pending)["pay_by"]
    [operator] = crowd(1)

    with locked(admin, LAST_ACTION):
        paused = begin(lambda: operator.one("pause_sale", product, "the shop is down"))
        until(db, pay_by)
        sweep(db)
        sweep(db, "expire_holds", 100)
        sweep(db, "expire_orders", 100)

    assert paused.result()["paused_at"] < pay_by
    assert db.one("get_hold", held)["status"] == "active"
    assert db.one("get_order", pending)["status"] == "pending"
    assert stock(db, product) == (8, 1, 1)


def test_a_sweep_in_the_middle_of_the_end_of_a_pause_ends_nothing_that_goes_on(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10, hold_seconds=60, payment_seconds=60)
    db.travel(-50)
    held, pending = hold(db, product), order(db, product)
    paused_at = db.one("pause_sale", product, "the shop is down")["paused_at"]
    db.come_back()
    [operator] = crowd(1)

    with locked(admin, LAST_ACTION):
        resumed = begin(lambda: operator.one("resume_sale", product, "the shop is back"))
        db.travel(30)
        sweep(db)
        db.come_back()

    assert resumed.result()["paused_at"] is None
    assert (db.one("get_hold", held)["status"], db.one("get_order", pending)["status"]) == ("active", "pending")
    assert db.one("get_order", pending)["pay_by"] >= paused_at + 109 * SECOND


def test_a_payment_and_the_end_of_a_pause_at_the_same_order(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10)
    bought = order(db, product)
    pay_by = db.one("get_order", bought)["pay_by"]
    db.one("pause_sale", product, "the shop is down")
    operator, provider = crowd(2)

    with locked(admin, ORDER, bought):
        paid = begin(lambda: pay(provider, bought, payment=new_payment()))
        resumed = begin(lambda: operator.one("resume_sale", product, "the shop is back"))

    assert resumed.result()["sold"] == 1
    assert paid.result()["order_status"] == "paid"
    assert db.one("get_order", bought)["pay_by"] >= pay_by


def test_a_hold_that_is_given_back_while_the_end_of_a_pause_waits_for_it_stays_so(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product = new_product(db, 10)
    held, other = hold(db, product), hold(db, product)
    db.one("pause_sale", product, "the shop is down")
    operator, buyer = crowd(2)

    with locked(admin, HOLD, held):
        released = begin(lambda: buyer.one("release_hold", held))
        resumed = begin(lambda: operator.one("resume_sale", product, "the shop is back"))

    assert (released.result()["status"], resumed.result()["paused_at"]) == ("released", None)
    assert db.one("get_hold", other)["status"] == "active"
    assert stock(db, product) == (9, 1, 0)


def test_of_many_who_pause_and_resume_at_once_one_of_each_does(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 10)
    held = hold(db, product)
    first = db.one("get_hold", held)["expires_at"]

    paused = at_once(lambda operator: operator.one("pause_sale", product, "it is down")["paused_at"], crowd(8))
    resumed = at_once(lambda operator: operator.one("resume_sale", product, "it is back")["paused_at"], crowd(8))

    assert (len(set(paused)), set(resumed)) == (1, {None})
    actions = db.query("SELECT action, created_at FROM operator_actions WHERE product_id = %s ORDER BY 1", product)
    assert [row["action"] for row in actions] == ["pause_sale", "resume_sale"]
    length = db.one("get_hold", held)["expires_at"] - first
    assert datetime.timedelta(0) < length <= actions[1]["created_at"] - paused[0]  # type: ignore[operator]


def test_a_paid_hold_whose_money_goes_back_while_the_end_of_a_pause_waits_for_it_is_not_revived(
    db: Database, crowd: Crowd, admin: Database, begin: Waiting
) -> None:
    product, payment = new_product(db, 10, hold_seconds=1), new_payment()
    held = hold(db, product)
    expires_at = db.one("get_hold", held)["expires_at"]
    pay(db, held, payment=payment)
    until(db, expires_at)
    db.one("pause_sale", product, "the shop is down")
    operator, provider = crowd(2)

    with locked(admin, HOLD, held):
        refunded = begin(lambda: pay(provider, held, "refunded", payment=payment))
        resumed = begin(lambda: operator.one("resume_sale", product, "the shop is back"))

    assert (refunded.result()["outcome"], resumed.result()["paused_at"]) == ("applied", None)
    assert refusal(lambda: db.one("get_hold", held)).slug == "hold_expired"
    assert stock(db, product) == (10, 0, 0)
