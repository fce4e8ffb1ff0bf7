"""Who lets units go unpaid pauses; who pays, and whom the shop itself sends away, does not."""

import datetime
from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.purchase_sets import pay_set, success
from tests.support.sale import hold, new_product, order, pay, refusal, sweep

PAUSE = 60


def strict_product(db: Database) -> int:
    """A product with a pause of a minute."""
    product = new_product(db, 10)
    db.one("set_limits", product, pause_seconds=PAUSE, reason="no bots")
    return product


def let_go(db: Database, product: int, how: str) -> datetime.datetime:
    """Alice has a unit and loses it; when that was."""
    made = hold if how in ("a hold expired", "a hold was released", "a paid hold was released") else order
    bought = made(db, product, 1, "alice")
    if how == "a hold expired":
        ended_at = db.one("get_hold", bought)["expires_at"]
    elif how == "an order was overdue":
        ended_at = db.one("get_order", bought)["pay_by"]
    else:
        ended_at = db.now()
    db.travel_to(ended_at)
    if "paid hold" in how:
        pay(db, bought)
    if "released" in how:
        db.one("release_hold", bought)
    elif how == "a payment failed":
        pay(db, bought, "failed")
    elif how == "the buyer cancelled":
        db.one("cancel_pending_order", bought)
    elif how == "the operator cancelled":
        db.one("cancel_order", bought, "fraud")
    elif how == "the order was refunded":
        pay(db, bought)
        pay(db, bought, "refunded")
    return ended_at


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize(
    "how",
    [
        "a hold expired", "a hold was released", "an order was overdue", "a payment failed", "the buyer cancelled",
    ],
)  # fmt: skip
def test_who_lets_units_go_unpaid_pauses_from_that_moment_on(db: Database, how: str, swept: bool) -> None:
    product = strict_product(db)
    db.travel_to(db.now())
    ended_at = let_go(db, product, how)
    db.travel_to(ended_at + datetime.timedelta(seconds=PAUSE - 1))
    if swept:
        sweep(db)

    refused = refusal(lambda: hold(db, product, 1, "alice"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("customer_paused", 31109, "45409")
    assert refused.detail.endswith("retry after 1 s")
    hold(db, product, 1, "bob")
    db.travel_to(ended_at + datetime.timedelta(seconds=PAUSE))
    hold(db, product, 1, "alice")


@pytest.mark.parametrize("how", ["the operator cancelled", "the order was refunded", "nothing"])
def test_whom_the_shop_sends_away_and_who_paid_does_not_pause(db: Database, how: str) -> None:
    product = strict_product(db)

    let_go(db, product, how)

    hold(db, product, 1, "alice")


def test_who_had_a_hold_when_the_sale_was_stopped_does_not_pause_at_the_next_one(db: Database) -> None:
    product = strict_product(db)
    hold_id = hold(db, product, 1, "alice")
    db.one("stop_sale", product, "a recall")

    assert "stopped" in refusal(lambda: db.one("get_hold", hold_id)).detail
    assert refusal(lambda: hold(db, product, 1, "alice")).slug != "customer_paused"


def test_who_pays_a_hold_and_takes_their_time_to_order_it_does_not_pause(db: Database) -> None:
    product = strict_product(db)
    pay(db, hold(db, product, 1, "alice"))
    db.travel(125)

    hold(db, product, 1, "alice")


@pytest.mark.parametrize("before", [None, -1, 1], ids=["no pause", "a shorter pause", "a longer pause"])
@pytest.mark.parametrize("how", ["swept", "paid", "paid in a set"])
def test_an_order_that_ran_out_pauses_alike_and_the_longest_pause_counts(
    db: Database, connect_as: Callable[..., Database], how: str, before: int | None
) -> None:
    product, admin = strict_product(db), connect_as("admin")
    where = "product_id = %s AND customer_id = 'alice'"
    db.travel_to(db.now())
    bought = order(db, product, 1, "alice")
    pause = datetime.timedelta(seconds=PAUSE)
    ends_at = db.one("get_order", bought)["pay_by"] + pause
    earlier = None if before is None else ends_at + datetime.timedelta(seconds=before)
    admin.query(f"UPDATE customer_units SET paused_until = %s WHERE {where}", earlier, product)
    db.travel_to(ends_at - pause + datetime.timedelta(seconds=5))
    if how == "swept":
        sweep(db)
    elif how == "paid":
        pay(db, bought)
    else:
        assert [row["answer"] for row in pay_set(db, [success(bought)])] == ["done"]

    assert db.one("get_order", bought)["status"] == ("cancelled" if how == "swept" else "paid")
    assert admin.value(f"SELECT paused_until FROM customer_units WHERE {where}", product) == max(
        ends_at, earlier or ends_at
    )
