"""Limits per hold and per customer, and the window of the sale."""

import datetime

import pytest

from tests.support.database import Database
from tests.support.sale import hold, new_key, new_product, order, pay, refusal, stock, sweep

MICROSECOND = datetime.timedelta(microseconds=1)


def test_a_hold_may_have_max_per_hold_units_and_not_one_more(db: Database) -> None:
    product = new_product(db, 100, max_per_hold=4)

    hold(db, product, 4)
    refused = refusal(lambda: hold(db, product, 5))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("quantity_above_limit", 31302, "45422")
    assert stock(db, product) == (96, 4, 0)


def test_the_limit_of_a_hold_is_named_also_when_the_product_is_sold_out(db: Database) -> None:
    assert refusal(lambda: hold(db, new_product(db, 0, max_per_hold=4), 5)).slug == "quantity_above_limit"


def test_a_customer_has_max_per_customer_units_over_holds_and_orders_together(db: Database) -> None:
    product = new_product(db, 100, max_per_customer=5)
    order(db, product, 2, "alice")
    hold(db, product, 2, "alice")

    refused = refusal(lambda: hold(db, product, 2, "alice"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("customer_limit_reached", 31103, "45409")
    hold(db, product, 1, "alice")
    hold(db, product, 5, "bob")
    assert stock(db, product) == (90, 8, 2)


def test_paid_units_count_towards_the_limit(db: Database) -> None:
    product = new_product(db, 100, max_per_customer=2)
    pay(db, order(db, product, 2, "alice"))

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_limit_reached"


@pytest.mark.parametrize("how", ["released", "expired", "swept", "failed", "overdue", "overdue and swept", "refunded"])
def test_a_customer_gets_the_limit_back_when_the_units_come_back(db: Database, how: str) -> None:
    product = new_product(db, 100, max_per_customer=2)
    if how in ("released", "expired", "swept"):
        hold_id = hold(db, product, 2, "alice")
    else:
        order_id = order(db, product, 2, "alice")
    if how == "released":
        db.one("release_hold", hold_id)
    elif how == "failed":
        pay(db, order_id, "failed")
    elif how == "refunded":
        pay(db, order_id)
        pay(db, order_id, "refunded")
    else:
        db.travel(901)
    if "swept" in how:
        sweep(db)

    hold(db, product, 2, "alice")

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_limit_reached"


def test_a_repeat_of_a_customer_at_the_limit_is_answered_and_counted_once(db: Database) -> None:
    product, key = new_product(db, 100, max_per_customer=2), new_key()
    first = hold(db, product, 2, "alice", key)

    assert hold(db, product, 2, "alice", key) == first
    assert stock(db, product) == (98, 2, 0)


def test_customers_are_told_apart_byte_by_byte(db: Database) -> None:
    product = new_product(db, 100, max_per_customer=1)

    for customer in ["alice", "Alice", "alice ", "älice", "alice\0", "🙂"]:
        hold(db, product, 1, customer)
        assert refusal(lambda c=customer: hold(db, product, 1, c)).slug == "customer_limit_reached"


def test_a_limit_per_customer_is_a_limit_per_product(db: Database) -> None:
    one, other = new_product(db, 10, max_per_customer=1), new_product(db, 10, max_per_customer=1)

    hold(db, one, 1, "alice")
    hold(db, other, 1, "alice")


def test_a_product_with_a_limit_per_customer_wants_to_know_the_customer(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=1)

    refused = refusal(lambda: hold(db, product))

    assert (refused.slug, refused.errno) == ("invalid_argument", 31301)
    assert "customer_id" in refused.detail
    assert stock(db, product) == (10, 0, 0)


def test_a_customer_at_the_limit_hears_so_although_others_have_expired_holds(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=2)
    hold(db, product, 2, "bob")
    db.travel(121)
    hold(db, product, 2, "alice")

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_limit_reached"


def test_a_sold_out_answer_does_not_use_up_the_limit(db: Database) -> None:
    product = new_product(db, 1, max_per_customer=5)
    first = hold(db, product, 1, "bob")
    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "sold_out"
    db.one("release_hold", first)

    hold(db, product, 1, "alice")


def test_the_sale_starts_at_its_start_and_not_a_microsecond_earlier(db: Database) -> None:
    start = db.now() + datetime.timedelta(hours=1)
    product = new_product(db, 10, sale_starts_at=start)

    db.travel_to(start - MICROSECOND)
    refused = refusal(lambda: hold(db, product))
    assert (refused.slug, refused.errno, refused.sqlstate) == ("sale_not_started", 31104, "45409")
    db.travel_to(start)
    hold(db, product)


def test_the_sale_ends_at_its_end_and_not_a_microsecond_earlier(db: Database) -> None:
    end = db.now() + datetime.timedelta(hours=1)
    product = new_product(db, 10, sale_ends_at=end)

    db.travel_to(end - MICROSECOND)
    hold(db, product)
    db.travel_to(end)
    refused = refusal(lambda: hold(db, product))
    assert (refused.slug, refused.errno, refused.sqlstate) == ("sale_ended", 31105, "45409")


def test_customers_with_a_limit_meet_the_same_window(db: Database) -> None:
    start = db.now() + datetime.timedelta(hours=1)
    product = new_product(db, 10, max_per_customer=1, sale_starts_at=start, sale_ends_at=start + MICROSECOND)

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "sale_not_started"
    db.travel_to(start)
    hold(db, product, 1, "alice")
    db.travel_to(start + MICROSECOND)
    assert refusal(lambda: hold(db, product, 1, "bob")).slug == "sale_ended"


def test_a_hold_of_the_last_moment_is_ordered_and_paid_after_the_sale_ended(db: Database) -> None:
    end = db.now() + datetime.timedelta(hours=1)
    product = new_product(db, 10, sale_ends_at=end)
    db.travel_to(end - MICROSECOND)
    hold_id = hold(db, product)

    db.travel_to(end + datetime.timedelta(seconds=100))

    assert db.one("create_order", hold_id, None)["status"] == "pending"
    assert pay(db, hold_id)["order_status"] == "paid"


def test_an_unknown_product_is_not_found(db: Database) -> None:
    for act in (lambda: hold(db, 2147483647), lambda: db.one("get_product", 2147483647)):
        refused = refusal(act)
        assert (refused.slug, refused.errno, refused.sqlstate) == ("product_not_found", 31001, "45404")
