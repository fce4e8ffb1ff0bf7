"""Orders and products page by page."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.database import Database, Row
from tests.support.sale import hold, new_key, new_product, order, pay

Page = Callable[[object, int], list[Row]]


def pages(read: Page, of: str, size: int) -> Iterator[list[Row]]:
    """All pages, as a client that follows them sees them."""
    after = None
    while True:
        page = read(after, size)
        yield page
        if len(page) < size:
            return
        after = page[-1][of]


def told(rows: list[Row]) -> list[Row]:
    """Without what the clock changes."""
    return [{name: value for name, value in row.items() if name not in ("pay_in_ms", "replayed")} for row in rows]


@pytest.fixture
def customer() -> str:
    """Somebody who never bought before."""
    return f"ada {new_key()}"


def shop(db: Database, customer: str) -> list[str]:
    """Orders of every status, one of them with money that is due; in the order of a list, the newest first."""
    product = new_product(db, 50)
    made = [order(db, product, 1, customer) for _ in range(7)]
    pay(db, made[1])
    pay(db, made[1])
    for order_id in made[2:4]:
        pay(db, order_id)
        pay(db, order_id, "refunded")
    db.one("cancel_pending_order", made[4])
    pay(db, made[5], "succeeded", 1, "USD")
    pay(db, made[6])
    pay(db, made[6], "dispute_opened")
    return sorted(made, reverse=True)  # those of one millisecond are in no order of time


def test_a_list_says_of_each_order_what_get_order_says(db: Database, customer: str) -> None:
    made = shop(db, customer)

    rows = db.call("list_orders", customer)

    assert [row["order_id"] for row in rows] == made
    assert list(rows[0]) == [name for name in db.one("get_order", made[0]) if name != "replayed"]
    assert told(rows) == told([db.one("get_order", order_id) for order_id in made])
    assert {row["status"] for row in rows} == {"pending", "paid", "cancelled", "refunded"}
    assert {row["dispute"] for row in rows} == {None, "opened"} and any(row["refund_due"] for row in rows)
    pending = next(row for row in rows if row["status"] == "pending")
    assert 0 < pending["pay_in_ms"] <= db.one("get_order", pending["order_id"])["pay_in_ms"] + 60_000


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_the_pages_of_a_list_have_each_order_once(db: Database, customer: str, size: int) -> None:
    made = shop(db, customer)

    read = list(pages(lambda after, most: db.call("list_orders", customer, None, None, after, most), "order_id", size))

    assert [row["order_id"] for page in read for row in page] == made
    assert all(len(page) <= size for page in read)


@pytest.mark.parametrize("status", ["pending", "paid", "cancelled", "refunded"])
def test_a_status_narrows_a_customers_orders_and_everybodys(db: Database, customer: str, status: str) -> None:
    mine = [order_id for order_id in shop(db, customer) if db.one("get_order", order_id)["status"] == status]

    assert [row["order_id"] for row in db.call("list_orders", customer, None, status)] == mine
    everybodys = db.call("list_orders", None, None, status, None, 1000)
    assert {row["status"] for row in everybodys} == {status}
    assert [row["order_id"] for row in everybodys if row["customer_id"] == customer] == mine
    by_two = pages(lambda after, most: db.call("list_orders", customer, None, status, after, most), "order_id", 2)
    assert [row["order_id"] for page in by_two for row in page] == mine


def test_without_a_filter_a_list_begins_with_the_newest(db: Database, customer: str) -> None:
    made = shop(db, customer)

    rows = db.call("list_orders", None, None, None, None, 1000)

    ids = [row["order_id"] for row in rows]
    assert ids == sorted(ids, reverse=True)
    assert [order_id for order_id in ids if order_id in made] == made
    assert [row["order_id"] for row in db.call("list_orders", None, None, None, ids[3], 4)] == ids[4:8]


def test_a_reference_finds_its_order_and_nothing_else(db: Database, customer: str) -> None:
    product, reference = new_product(db, 5), new_key()
    order(db, product, 1, customer)
    made = db.one("create_order", hold(db, product, 1, customer), new_key(), reference, None)

    for filters in ((None, reference), (customer, reference), (customer, reference, "pending")):
        assert [row["order_id"] for row in db.call("list_orders", *filters)] == [made["order_id"]]
    for filters in (
        (None, reference.upper()), ("somebody else", reference), (None, reference, "paid"), (None, new_key()),
        (None, reference, None, made["order_id"]),
    ):  # fmt: skip
        assert db.call("list_orders", *filters) == []


def test_the_pages_of_products_have_each_of_them_once_and_no_archived_one(db: Database) -> None:
    made = [new_product(db, 5) for _ in range(7)]
    hold(db, made[2])
    db.one("stop_sale", made[1], "over")
    db.one("archive_product", made[1], "over")

    read = list(pages(lambda after, most: db.call("list_products", None, after, most), "product_id", 2))

    listed = [row for page in read for row in page]
    assert all(len(page) <= 2 for page in read)
    assert [row["product_id"] for row in listed if row["product_id"] in made] == [made[0], *made[2:]]
    assert [row for row in listed if row["product_id"] in made] == [
        {name: value for name, value in db.one("get_product", product).items() if name != "replayed"}
        for product in (made[0], *made[2:])
    ]
    assert [row for row in listed if row["product_id"] >= made[0]] == db.call("list_products", None, made[0] - 1)
