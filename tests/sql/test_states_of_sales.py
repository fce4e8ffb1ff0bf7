"""Products by the state of their sale: what each state is, and the pages of those that are in it."""

import datetime
import threading
from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.sale import hold, new_product, order, pay, refusal

STATES = ("upcoming", "open", "paused", "sold_out", "ended")
MICROSECOND = datetime.timedelta(microseconds=1)
HOUR = datetime.timedelta(hours=1)


def listed(db: Database, sale: str | None, after: int, limit: int = 1000) -> list[int]:
    """The ids of a page."""
    return [row["product_id"] for row in db.call("list_products", sale, after, limit)]


def state_of(db: Database, product: int) -> str:
    """The state under which the product is listed, which is only one, and what the board says of it."""
    found = [sale for sale in STATES if product in listed(db, sale, product - 1)]
    assert product in listed(db, None, product - 1)
    assert found == [row["sale"] for row in db.call("show_board") if row["product_id"] == product]
    [state] = found
    return state


# -- which state it is


def test_a_sale_is_upcoming_until_the_moment_it_starts(db: Database) -> None:
    start = db.now() + HOUR
    product = new_product(db, 1, sale_starts_at=start)

    assert state_of(db, product) == "upcoming"
    db.travel_to(start - MICROSECOND)
    assert state_of(db, product) == "upcoming"
    db.travel_to(start)
    assert state_of(db, product) == "open"


def test_a_sale_is_open_until_the_moment_it_ends(db: Database) -> None:
    end = db.now() + HOUR
    product = new_product(db, 1, sale_ends_at=end)

    assert state_of(db, product) == "open"
    db.travel_to(end - MICROSECOND)
    assert state_of(db, product) == "open"
    db.travel_to(end)
    assert state_of(db, product) == "ended"


def test_a_sale_that_is_stopped_has_ended_also_before_its_start_and_in_a_pause(db: Database) -> None:
    products = [new_product(db, 1), new_product(db, 1, sale_starts_at=db.now() + HOUR), new_product(db, 1)]
    db.one("pause_sale", products[2], "wait")

    for product in products:
        db.one("stop_sale", product, "over")

    assert [state_of(db, product) for product in products] == ["ended"] * 3


def test_a_sale_is_paused_whatever_units_it_has_until_it_is_resumed_or_over(db: Database) -> None:
    end = db.now() + HOUR
    free, gone = new_product(db, 1, sale_ends_at=end), new_product(db, 1, sale_ends_at=end)
    hold(db, gone)
    for product in (free, gone):
        db.one("pause_sale", product, "wait")
    assert [state_of(db, free), state_of(db, gone)] == ["paused", "paused"]

    db.travel_to(end)
    assert [state_of(db, free), state_of(db, gone)] == ["ended", "ended"]
    db.come_back()
    for product in (free, gone):
        db.one("resume_sale", product, "go on")
    assert [state_of(db, free), state_of(db, gone)] == ["open", "sold_out"]


def test_a_product_without_a_unit_is_sold_out_and_open_with_one(db: Database) -> None:
    product = new_product(db, 0)
    assert state_of(db, product) == "sold_out"
    db.one("adjust_stock", product, 1, "found")
    assert state_of(db, product) == "open"
    held = hold(db, product)
    assert state_of(db, product) == "sold_out"
    db.one("release_hold", held)
    assert state_of(db, product) == "open"


def test_a_unit_of_a_hold_that_expired_is_for_sale_whether_swept_or_not(db: Database) -> None:
    product = new_product(db, 1, hold_seconds=86_400)
    expires_at = db.one("get_hold", hold(db, product))["expires_at"]

    db.travel_to(expires_at - MICROSECOND)
    assert state_of(db, product) == "sold_out"
    db.travel_to(expires_at)
    assert state_of(db, product) == "open"


def test_a_unit_of_an_order_that_is_overdue_is_for_sale_and_one_that_is_paid_is_not(db: Database) -> None:
    products = [new_product(db, 1, payment_seconds=86_400) for _ in range(2)]
    unpaid, paid = (order(db, product) for product in products)
    pay(db, paid)
    pay_by = db.one("get_order", unpaid)["pay_by"]

    db.travel_to(pay_by - MICROSECOND)
    assert [state_of(db, product) for product in products] == ["sold_out", "sold_out"]
    db.travel_to(pay_by)
    assert [state_of(db, product) for product in products] == ["open", "sold_out"]


# -- pages of those that are in a state


def products_in(db: Database, states: list[str]) -> list[int]:
    """A product in each of these states."""
    made = []
    for state in states:
        product = new_product(db, 3, sale_starts_at=db.now() + HOUR if state == "upcoming" else None)
        if state == "sold_out":
            hold(db, product, 3)
        elif state == "open":
            hold(db, product, 1)
        elif state == "paused":
            db.one("pause_sale", product, "wait")
        elif state == "ended":
            db.one("stop_sale", product, "over")
        made.append(product)
    return made


MIXED = [
    "ended", "open", "open", "sold_out", "upcoming", "open", "paused", "sold_out", "sold_out", "ended", "upcoming",
    "open", "paused", "upcoming", "ended", "sold_out", "open", "paused",
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
def test_a_page_of_a_state_is_the_first_products_after_the_cursor_that_are_in_it(db: Database, size: int) -> None:
    made = products_in(db, MIXED)
    for state in STATES:
        expected = [product for product, its in zip(made, MIXED, strict=True) if its == state]
        for after in (made[0] - 1, *made):
            left = [product for product in expected if product > after]
            page = [product for product in listed(db, state, after, size) if product <= made[-1]]
            assert page == left[:size], (state, after)


def test_a_product_is_listed_by_its_state_as_get_product_shows_it(db: Database) -> None:
    made = products_in(db, list(STATES))
    for product, state in zip(made, STATES, strict=True):
        [row] = db.call("list_products", state, product - 1, 1)
        assert row == {name: value for name, value in db.one("get_product", product).items() if name != "replayed"}


def test_an_archived_product_is_listed_in_no_state(db: Database) -> None:
    [product] = products_in(db, ["ended"])
    assert state_of(db, product) == "ended"

    db.one("archive_product", product, "over")

    assert [sale for sale in (None, *STATES) if product in listed(db, sale, product - 1)] == []


def test_every_product_of_a_page_is_in_its_state_while_units_come_and_go(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    """The rows are chosen and counted at the same moment."""
    products = [new_product(db, 1) for _ in range(3)]
    buyer, over = connect_as("dba"), threading.Event()

    def buy() -> None:
        while not over.is_set():
            for product in products:
                buyer.one("release_hold", hold(buyer, product))

    seen = {"open": 0, "sold_out": 0}
    buying = threading.Thread(target=buy)
    buying.start()
    try:
        for _ in range(100):
            for state in seen:
                rows = db.call("list_products", state, products[0] - 1, 3)
                mine = [row for row in rows if row["product_id"] in products]
                assert {row["available"] > 0 for row in mine} <= {state == "open"}
                seen[state] += len(mine)
    finally:
        over.set()
        buying.join(30)
    assert seen["open"] and seen["sold_out"]


# -- what is no state


@pytest.mark.parametrize(
    "sale",
    [
        "", " ", "over", "Open", "OPEN", "open ", " open", "öpen", "sold out", "sold-out", "soldout", "open,ended",
        "open\0", "open\n", "%", "_pen", "NULL", "' OR 1 -- ", "🙂", "x" * 100_000, 0, 1, True, -1.5,
    ],
)  # fmt: skip
def test_what_is_no_state_is_refused_with_those_that_there_are(db: Database, sale: object) -> None:
    refused = refusal(lambda: db.call("list_products", sale, None, 1))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("invalid_argument", 31301, "45422")
    assert refused.detail == "sale must be upcoming, open, paused, sold_out, ended or NULL"
