"""From a hold to an order: once, at the price that the hold saw, and overdue when nobody pays."""

import datetime

from tests.support.database import Database
from tests.support.sale import hold, new_key, new_product, order, pay, refusal, stock, sweep

MICROSECOND = datetime.timedelta(microseconds=1)


def test_an_order_keeps_the_id_of_its_hold_and_says_what_to_pay_by_when(db: Database) -> None:
    product = new_product(db, 10, price=12900, payment_seconds=600)
    hold_id = hold(db, product, 3, "alice")
    db.travel(1)

    made = db.one("create_order", hold_id, new_key())

    assert made["order_id"] == made["hold_id"] == hold_id
    assert (made["unit_price"], made["amount"], made["currency"]) == (12900, 38700, "EUR")
    assert made["pay_by"] - made["created_at"] == datetime.timedelta(seconds=600)
    assert made["pay_in_ms"] == 600_000
    assert (made["status"], made["customer_id"], made["qty"]) == ("pending", "alice", 3)
    assert (made["paid_at"], made["closed_at"], made["closed_reason"], made["replayed"]) == (None, None, None, 0)
    assert (made["refunded"], made["refund_due"], made["dispute"]) == (0, 0, None)
    assert (made["fulfilled_at"], made["cancelled_as"]) == (None, None)
    assert db.one("get_order", hold_id) == made
    assert stock(db, product) == (7, 0, 3)


def test_the_largest_order_at_the_highest_price_is_counted_to_the_cent(db: Database) -> None:
    product = new_product(db, 1_000_000, price=1_000_000_000_000, max_per_hold=1_000_000)

    made = db.one("create_order", hold(db, product, 1_000_000), None)

    assert made["amount"] == 10**18


def test_a_hold_becomes_one_order_and_no_second_one(db: Database) -> None:
    product = new_product(db, 10)
    order_id = order(db, product, 2)

    for key in (new_key(), None):
        refused = refusal(lambda k=key: db.one("create_order", order_id, k))
        assert (refused.slug, refused.errno, refused.sqlstate) == ("hold_already_used", 31102, "45409")
    assert stock(db, product) == (8, 0, 2)


def test_a_repeat_under_the_same_key_returns_the_order_as_it_stands(db: Database) -> None:
    hold_id, key = hold(db, new_product(db, 10)), new_key()
    first = db.one("create_order", hold_id, key)
    pay(db, hold_id)

    again = db.one("create_order", hold_id, key)

    assert (again["order_id"], again["status"], again["replayed"]) == (first["order_id"], "paid", 1)


def test_a_repeat_is_answered_after_the_order_was_cancelled(db: Database) -> None:
    hold_id, key = hold(db, new_product(db, 10)), new_key()
    db.one("create_order", hold_id, key)
    db.travel(901)
    sweep(db)

    again = db.one("create_order", hold_id, key)

    assert (again["status"], again["replayed"]) == ("cancelled", 1)


def test_one_key_does_not_make_two_orders_and_the_second_hold_stays_live(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    first, second = hold(db, product), hold(db, product)
    db.one("create_order", first, key)

    refused = refusal(lambda: db.one("create_order", second, key))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("idempotency_key_reused", 31303, "45422")
    assert db.one("get_hold", second)["status"] == "active"
    assert db.one("create_order", second, new_key())["status"] == "pending"


def test_a_refused_order_may_try_again_under_the_same_key(db: Database) -> None:
    key = new_key()
    assert refusal(lambda: db.one("create_order", new_key(), key)).slug == "hold_not_found"

    assert db.one("create_order", hold(db, new_product(db, 1)), key)["replayed"] == 0


def test_an_order_is_overdue_at_pay_by_and_not_a_microsecond_earlier(db: Database) -> None:
    product = new_product(db, 3)
    made = db.one("create_order", hold(db, product, 3), None)

    db.travel_to(made["pay_by"] - MICROSECOND)
    sweep(db)
    assert db.one("get_order", made["order_id"])["status"] == "pending"
    assert stock(db, product) == (0, 0, 3)

    db.travel_to(made["pay_by"])
    assert stock(db, product) == (3, 0, 0)
    assert sweep(db)["orders_expired"] >= 1
    cancelled = db.one("get_order", made["order_id"])
    assert (cancelled["status"], cancelled["closed_at"]) == ("cancelled", made["pay_by"])
    assert "overdue" in cancelled["closed_reason"]
    assert stock(db, product) == (3, 0, 0)


def test_a_paid_order_is_never_overdue(db: Database) -> None:
    product = new_product(db, 3)
    order_id = order(db, product, 3)
    pay(db, order_id)
    db.travel(10**7)
    sweep(db)

    assert db.one("get_order", order_id)["status"] == "paid"
    assert stock(db, product) == (0, 0, 3)


def test_an_order_says_how_many_milliseconds_are_left_to_pay_and_never_fewer_than_none(db: Database) -> None:
    made = db.one("create_order", hold(db, new_product(db, 2, payment_seconds=60)), None)

    for before_the_end, left in [(MICROSECOND, 0), (1000 * MICROSECOND, 1), (datetime.timedelta(seconds=1), 1000)]:
        db.travel_to(made["pay_by"] - before_the_end)
        assert db.one("get_order", made["order_id"])["pay_in_ms"] == left
    db.travel_to(made["pay_by"] + datetime.timedelta(hours=1))
    assert db.one("get_order", made["order_id"])["pay_in_ms"] == 0
    pay(db, made["order_id"])
    assert db.one("get_order", made["order_id"])["pay_in_ms"] is None


def test_the_price_is_the_one_of_the_moment_of_the_hold(db: Database) -> None:
    product = new_product(db, 10, price=1000)
    early, late = hold(db, product), hold(db, product)
    db.one("create_order", early, None)
    db.one("set_price", product, 1500, "demand")

    assert db.one("get_order", early)["amount"] == 1000
    assert db.one("create_order", late, None)["amount"] == 1000
    assert db.one("create_order", hold(db, product), None)["amount"] == 1500


def test_an_order_that_never_was_is_not_found(db: Database) -> None:
    refused = refusal(lambda: db.one("get_order", new_key()))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("order_not_found", 31003, "45404")


def test_a_hold_is_not_an_order_yet(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1))

    assert refusal(lambda: db.one("get_order", hold_id)).slug == "order_not_found"
