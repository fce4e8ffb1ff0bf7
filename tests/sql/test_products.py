"""Putting a product on sale, adding units and withdrawing them."""

import datetime
from typing import Any

import pytest

from api.openapi.examples import example_of
from api.schemas import Product
from tests.support.database import Database
from tests.support.sale import hold, new_product, order, refusal, stock

GOOD: dict[str, Any] = {
    "name": "Limited sneaker", "price": 12900, "currency": "EUR", "stock_total": 100, "stripes": None,
    "hold_seconds": None, "payment_seconds": None, "max_per_hold": None, "max_per_customer": None,
    "sale_starts_at": None, "sale_ends_at": None,
}  # fmt: skip
NOON = datetime.datetime(2030, 1, 1, 12)


def test_a_product_is_on_sale_with_the_defaults(db: Database) -> None:
    made = db.one("create_product", *GOOD.values())

    assert made == example_of(Product) | {"product_id": made["product_id"], "replayed": 0}
    assert db.one("get_product", made["product_id"]) == made
    listed = {name: value for name, value in made.items() if name != "replayed"}
    assert listed in db.call("list_products", None, made["product_id"] - 1)


@pytest.mark.parametrize(
    ("units", "stripes"), [(0, 1), (1, 1), (16, 1), (31, 1), (32, 2), (1000, 62), (1024, 64), (1_000_000_000, 64)]
)
def test_stock_is_spread_over_a_stripe_per_16_units_and_64_at_most(db: Database, units: int, stripes: int) -> None:
    product = new_product(db, units)

    rows = db.query("SELECT available FROM stock_stripes WHERE product_id = %s", product)

    assert len(rows) == stripes == db.one("get_product", product)["stripes"]
    assert sum(row["available"] for row in rows) == units
    assert max(row["available"] for row in rows) - min(row["available"] for row in rows) <= 1


@pytest.mark.parametrize("stripes", [1, 7, 256])
def test_the_operator_may_choose_the_stripes(db: Database, stripes: int) -> None:
    product = new_product(db, 100, stripes=stripes)

    assert db.value("SELECT COUNT(*) FROM stock_stripes WHERE product_id = %s", product) == stripes
    hold(db, product, 10)
    assert stock(db, product) == (90, 10, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "x" * 200), ("name", "🙂" * 200), ("name", "O'Neill \"\\\0"), ("price", 0),
        ("price", 1_000_000_000_000), ("currency", "XXX"), ("stock_total", 0), ("stock_total", 1_000_000_000),
        ("hold_seconds", 1), ("hold_seconds", 86_400), ("payment_seconds", 1), ("payment_seconds", 2_592_000),
        ("max_per_hold", 1), ("max_per_hold", 1_000_000), ("max_per_customer", 1), ("max_per_customer", 2**31 - 1),
        ("sale_starts_at", NOON), ("sale_ends_at", NOON),
    ],
)  # fmt: skip
def test_a_product_keeps_what_is_just_allowed(db: Database, field: str, value: object) -> None:
    assert db.one("create_product", *{**GOOD, field: value}.values())[field] == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None), ("name", ""), ("name", "x" * 201), ("price", None), ("price", -1), ("price", 129.5),
        ("price", "129.00"), ("price", 1_000_000_000_001), ("currency", None), ("currency", "eur"), ("currency", "EU"),
        ("currency", "EURO"), ("currency", "EU\n"), ("currency", "ÉUR"), ("stock_total", None), ("stock_total", -1),
        ("stock_total", 1_000_000_001), ("stripes", 0), ("stripes", 257), ("hold_seconds", 0),
        ("hold_seconds", 86_401), ("payment_seconds", 0), ("payment_seconds", 2_592_001), ("max_per_hold", 0),
        ("max_per_hold", 1_000_001), ("max_per_customer", 0), ("max_per_customer", 2**31),
    ],
)  # fmt: skip
def test_a_product_is_refused_naming_what_is_just_not_allowed(db: Database, field: str, value: object) -> None:
    before = db.value("SELECT COUNT(*) FROM products")

    refused = refusal(lambda: db.one("create_product", *{**GOOD, field: value}.values()))

    assert (refused.slug, refused.sqlstate) == ("invalid_argument", "45422")
    assert refused.detail.startswith(field)
    assert db.value("SELECT COUNT(*) FROM products") == before


@pytest.mark.parametrize("end", [NOON, NOON - datetime.timedelta(microseconds=1)])
def test_a_sale_ends_after_it_starts(db: Database, end: datetime.datetime) -> None:
    refused = refusal(
        lambda: db.one("create_product", *{**GOOD, "sale_starts_at": NOON, "sale_ends_at": end}.values())
    )  # fmt: skip

    assert refused.detail.startswith("sale_ends_at")


def test_the_operator_adds_and_withdraws_units_and_the_reason_is_kept_with_the_account(db: Database) -> None:
    product = new_product(db, 10, stripes=4)

    assert db.one("adjust_stock", product, 5, "second delivery")["stock_total"] == 15
    assert db.one("adjust_stock", product, -15, "all damaged")["available"] == 0

    kept = db.query("SELECT delta, reason, account FROM stock_adjustments WHERE product_id = %s", product)
    assert [(row["delta"], row["reason"]) for row in kept] == [
        (10, "the first stock"), (5, "second delivery"), (-15, "all damaged")
    ]  # fmt: skip
    assert all(row["account"].startswith("flashsale_operator@") for row in kept)


def test_units_that_are_held_or_sold_are_not_withdrawn(db: Database) -> None:
    product = new_product(db, 10, stripes=4)
    hold(db, product, 3)
    order(db, product, 3)

    refused = refusal(lambda: db.one("adjust_stock", product, -5, "damaged"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("stock_in_use", 31107, "45409")
    assert stock(db, product) == (4, 3, 3)
    db.one("adjust_stock", product, -4, "damaged")
    assert stock(db, product) == (0, 3, 3)
    assert refusal(lambda: db.one("adjust_stock", product, -11, "more than it ever had")).slug == "stock_in_use"


def test_units_of_expired_holds_and_overdue_orders_are_withdrawn_without_a_sweep(db: Database) -> None:
    product = new_product(db, 10)
    hold(db, product, 5)
    order(db, product, 5)
    db.travel(901)

    assert db.one("adjust_stock", product, -10, "recall")["stock_total"] == 0


def test_stock_never_grows_beyond_its_bound(db: Database) -> None:
    product = new_product(db, 999_999_999)

    db.one("adjust_stock", product, 1, "the last one")
    refused = refusal(lambda: db.one("adjust_stock", product, 1, "one more"))

    assert refused.slug == "invalid_argument"
    assert refused.detail.startswith("delta")
    assert stock(db, product) == (1_000_000_000, 0, 0)


def test_units_added_to_a_sold_out_product_are_sold(db: Database) -> None:
    product = new_product(db, 1)
    hold(db, product)
    db.one("adjust_stock", product, 2, "found two")

    hold(db, product, 2)

    assert stock(db, product) == (0, 3, 0)


def test_the_stock_of_an_unknown_product_is_not_adjusted(db: Database) -> None:
    for delta in (1, -1):
        assert refusal(lambda d=delta: db.one("adjust_stock", 2147483647, d, "?")).slug == "product_not_found"


def test_available_held_and_sold_always_add_up_to_stock_total(db: Database) -> None:
    product = new_product(db, 20)
    hold(db, product, 1)
    order(db, product, 2)
    for seconds in (0, 60, 121, 901):
        db.travel(seconds)
        assert sum(stock(db, product)) == 20
