"""Nobody gets round a pause: not before the sweep, not by what an operator does, and not at the cost of others."""

import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.database import Database
from tests.support.sale import hold, new_product, order, pay, refusal, stock, sweep, until_somebody_waits

PAUSE = datetime.timedelta(seconds=600)
SECOND = datetime.timedelta(seconds=1)


def strict_product(db: Database, units: int = 10, **options: int) -> int:
    """A product with a pause of ten minutes, which lasts longer than a hold and not as long as an order."""
    product = new_product(db, units, **options)
    db.one("set_limits", product, pause_seconds=600, reason="no hoarding")
    return product


def is_paused_until(db: Database, product: int, moment: datetime.datetime) -> bool:
    """Whether Alice may hold again from this moment on, and no earlier."""
    db.travel_to(moment - SECOND)
    paused = refusal(lambda: hold(db, product, 1, "alice"))
    db.travel_to(moment)
    hold(db, product, 1, "alice")
    return paused.slug == "customer_paused"


def untouched(db: Database, hold_ids: list[str]) -> bool:
    """Whether all of these are as their buyers left them, expired and not given back."""
    marks = ", ".join(["%s"] * len(hold_ids))
    count = db.value(
        f"SELECT COUNT(*) FROM holds WHERE hold_uuid IN ({marks}) AND expires_at <= UTC_TIMESTAMP(6)", *hold_ids
    )
    return bool(count == len(hold_ids))


# -- what ran out before an operator came


def test_a_hold_that_ran_out_before_the_sale_was_stopped_is_expired_and_its_customer_pauses(db: Database) -> None:
    product = strict_product(db)
    made = db.one("create_hold", product, 1, "alice", None)
    db.travel_to(made["expires_at"] + SECOND)
    bobs = hold(db, product, 1, "bob")

    db.one("stop_sale", product, "wrong photo")
    db.one("set_sale_window", product, None, None, "the right photo")

    assert refusal(lambda: db.one("get_hold", made["hold_id"])).slug == "hold_expired"
    assert refusal(lambda: db.one("get_hold", bobs)).slug == "hold_released"
    hold(db, product, 1, "bob")
    assert is_paused_until(db, product, made["expires_at"] + PAUSE)


def test_an_order_that_was_overdue_before_an_operator_cancelled_it_makes_its_customer_pause(db: Database) -> None:
    product = strict_product(db)
    order_id = order(db, product, 1, "alice")
    pay_by = db.one("get_order", order_id)["pay_by"]
    db.travel_to(pay_by + SECOND)

    db.one("cancel_order", order_id, "fraud")

    assert is_paused_until(db, product, pay_by + PAUSE)


def test_an_order_for_nothing_that_is_cancelled_long_after_makes_nobody_pause(db: Database) -> None:
    product = strict_product(db)
    db.one("set_price", product, 0, "a gift")
    order_id = order(db, product, 1, "alice")
    db.travel(1000)

    db.one("cancel_order", order_id, "no gift")

    hold(db, product, 1, "alice")


def test_a_payment_that_fails_after_the_order_was_overdue_lets_the_pause_begin_when_it_was(db: Database) -> None:
    product = strict_product(db)
    order_id = order(db, product, 1, "alice")
    pay_by = db.one("get_order", order_id)["pay_by"]
    db.travel_to(pay_by + 100 * SECOND)

    pay(db, order_id, "failed")

    assert is_paused_until(db, product, pay_by + PAUSE)


def test_a_hold_that_was_paid_and_refunded_in_time_to_expire_makes_its_customer_pause(db: Database) -> None:
    product = strict_product(db)
    made = db.one("create_hold", product, 1, "alice", None)
    pay(db, made["hold_id"])
    pay(db, made["hold_id"], "refunded")

    assert is_paused_until(db, product, made["expires_at"] + PAUSE)


# -- only what is the customer's own


@pytest.mark.parametrize("swept", [False, True])
def test_a_customer_with_more_expired_holds_than_are_given_back_at_once_pauses(db: Database, swept: bool) -> None:
    product = strict_product(db, 300)
    db.travel_to(db.now())
    made = [db.one("create_hold", product, 1, "alice", None) for _ in range(120)]
    db.travel_to(made[-1]["expires_at"])
    if swept:
        sweep(db)

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_paused"
    assert stock(db, product) == (300, 0, 0)


def test_a_customer_who_has_nothing_takes_no_time_for_what_others_let_expire(db: Database) -> None:
    product = strict_product(db, 100)
    others = [hold(db, product, 1, f"customer {number}") for number in range(20)]
    db.travel(121)

    hold(db, product, 1, "alice")

    assert untouched(db, others)


def test_a_customer_whose_hold_expired_gives_back_that_and_nobody_elses(db: Database) -> None:
    product = strict_product(db, 100)
    others = [hold(db, product, 1, f"customer {number}") for number in range(20)]
    mine = hold(db, product, 1, "alice")
    db.travel(121)

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_paused"

    assert untouched(db, others)
    assert db.value("SELECT ended_as FROM hold_history WHERE hold_uuid = %s", mine) == "expired"


def test_a_customer_whose_order_is_overdue_gives_back_that_and_nobody_elses(db: Database) -> None:
    product = strict_product(db, 100)
    others = [order(db, product, 1, f"customer {number}") for number in range(20)]
    mine = order(db, product, 1, "alice")
    db.travel(901)

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_paused"

    assert {db.one("get_order", each)["status"] for each in others} == {"pending"}
    assert db.one("get_order", mine)["status"] == "cancelled"


def test_a_customer_with_a_limit_who_is_at_it_gives_back_nothing_of_others(db: Database) -> None:
    product = new_product(db, 100, max_per_customer=2)
    others = [hold(db, product, 2, f"customer {number}") for number in range(20)]
    db.travel(121)
    hold(db, product, 2, "alice")

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_limit_reached"

    assert untouched(db, others)


def test_a_customer_waits_for_the_end_of_an_own_hold_that_somebody_works_on_and_then_pauses(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    product = strict_product(db)
    made = db.one("create_hold", product, 1, "alice", None)
    db.travel_to(made["expires_at"])
    admin, observer = connect_as("admin"), connect_as("admin")
    admin.query("START TRANSACTION")
    admin.query("SELECT 1 FROM holds WHERE hold_uuid = %s FOR UPDATE", made["hold_id"])

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(lambda: refusal(lambda: hold(db, product, 1, "alice")))
        until_somebody_waits(observer)
        admin.query("ROLLBACK")

    assert answer.result().slug == "customer_paused"
