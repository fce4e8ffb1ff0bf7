"""The life of a hold: taken, released, expired at the very instant, repeated under its key."""

import datetime
import re

import pytest

from tests.support.database import Database
from tests.support.sale import hold, new_key, new_product, order, pay, refusal, stock, sweep

MICROSECOND = datetime.timedelta(microseconds=1)


def test_a_hold_takes_units_and_says_until_when(db: Database) -> None:
    product = new_product(db, 10, price=12900, hold_seconds=90)
    db.travel(1)

    made = db.one("create_hold", product, 3, "alice", None)

    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made["hold_id"])
    assert made["expires_at"] - made["created_at"] == datetime.timedelta(seconds=90)
    assert made["expires_in_ms"] == 90_000
    assert (made["product_id"], made["qty"], made["customer_id"], made["unit_price"]) == (product, 3, "alice", 12900)
    assert (made["status"], made["ended_at"], made["replayed"]) == ("active", None, 0)
    assert db.one("get_hold", made["hold_id"]) == made
    assert stock(db, product) == (7, 3, 0)


def test_ids_of_holds_made_later_sort_later_and_nobody_guesses_the_next(db: Database) -> None:
    product = new_product(db, 100)
    first = hold(db, product)
    db.travel(1)
    second = hold(db, product)

    assert first < second
    assert len({hold(db, product)[19:] for _ in range(50)}) == 50


def test_an_expired_and_swept_hold_is_archived_its_units_are_back_and_its_id_answers_410(db: Database) -> None:
    product = new_product(db, 5)
    hold_id = hold(db, product, 2)
    db.travel(121)

    assert sweep(db)["holds_expired"] >= 1

    assert stock(db, product) == (5, 0, 0)
    assert db.query("SELECT * FROM holds WHERE hold_uuid = %s", hold_id) == []
    assert db.value("SELECT ended_as FROM hold_history WHERE hold_uuid = %s", hold_id) == "expired"
    assert db.value("SELECT SUM(available) FROM stock_stripes WHERE product_id = %s", product) == 5
    refused = refusal(lambda: db.one("get_hold", hold_id))
    assert (refused.slug, refused.errno, refused.sqlstate) == ("hold_expired", 31201, "45410")


def test_an_expired_hold_that_nobody_swept_counts_as_available_and_answers_410(db: Database) -> None:
    product = new_product(db, 5)
    hold_id = hold(db, product, 5)
    db.travel(121)

    assert stock(db, product) == (5, 0, 0)
    [listed] = db.call("list_products", None, product - 1, 1)
    assert (listed["available"], listed["held"], listed["sold"]) == (5, 0, 0)
    assert refusal(lambda: db.one("get_hold", hold_id)).slug == "hold_expired"
    assert refusal(lambda: db.one("create_order", hold_id, new_key())).slug == "hold_expired"
    assert refusal(lambda: db.one("release_hold", hold_id)).slug == "hold_expired"
    assert db.value("SELECT COUNT(*) FROM holds WHERE hold_uuid = %s", hold_id) == 1


def test_the_next_buyer_gets_the_units_of_an_expired_hold_that_nobody_swept(db: Database) -> None:
    product = new_product(db, 5)
    hold(db, product, 5)
    assert refusal(lambda: hold(db, product)).slug == "sold_out"
    db.travel(121)

    hold(db, product, 4)

    assert stock(db, product) == (1, 4, 0)


def test_the_next_buyer_gets_the_units_of_an_overdue_order_that_nobody_swept(db: Database) -> None:
    product = new_product(db, 5)
    overdue = order(db, product, 5)
    db.travel(901)
    assert stock(db, product) == (5, 0, 0)

    hold(db, product, 5)

    assert db.one("get_order", overdue)["status"] == "cancelled"
    assert stock(db, product) == (0, 5, 0)


def test_a_hold_is_live_one_microsecond_before_its_end_and_expired_at_its_end(db: Database) -> None:
    product = new_product(db, 1)
    made = db.one("create_hold", product, 1, None, new_key())

    db.travel_to(made["expires_at"] - MICROSECOND)
    assert db.one("get_hold", made["hold_id"])["status"] == "active"
    assert stock(db, product) == (0, 1, 0)
    assert refusal(lambda: hold(db, product)).slug == "sold_out"

    db.travel_to(made["expires_at"])
    assert refusal(lambda: db.one("get_hold", made["hold_id"])).slug == "hold_expired"
    assert refusal(lambda: db.one("create_order", made["hold_id"], None)).slug == "hold_expired"
    assert stock(db, product) == (1, 0, 0)
    hold(db, product)


@pytest.mark.parametrize("limits", [None, 5])
def test_a_hold_says_how_many_milliseconds_are_left_by_the_clock_of_the_database(
    db: Database, limits: int | None
) -> None:
    made = db.one("create_hold", new_product(db, 2, max_per_customer=limits), 1, "alice", new_key())

    for before_the_end, left in [(MICROSECOND, 0), (1000 * MICROSECOND, 1), (datetime.timedelta(seconds=1), 1000)]:
        db.travel_to(made["expires_at"] - before_the_end)
        assert db.one("get_hold", made["hold_id"])["expires_in_ms"] == left
    assert db.one("release_hold", made["hold_id"])["expires_in_ms"] is None


def test_a_hold_is_ordered_in_its_last_microsecond(db: Database) -> None:
    made = db.one("create_hold", new_product(db, 1), 1, None, new_key())
    db.travel_to(made["expires_at"] - MICROSECOND)

    assert db.one("create_order", made["hold_id"], None)["status"] == "pending"


def test_a_hold_is_swept_at_its_end_and_not_a_microsecond_earlier(db: Database) -> None:
    made = db.one("create_hold", new_product(db, 1), 1, None, new_key())
    count = "SELECT COUNT(*) FROM holds WHERE hold_uuid = %s"

    db.travel_to(made["expires_at"] - MICROSECOND)
    sweep(db)
    assert db.value(count, made["hold_id"]) == 1
    db.travel_to(made["expires_at"])
    sweep(db)
    assert db.value(count, made["hold_id"]) == 0


def test_units_in_many_expired_holds_of_many_stripes_make_one_big_hold(db: Database) -> None:
    product = new_product(db, 48, stripes=16, max_per_hold=48)
    for _ in range(16):
        hold(db, product, 3)
    db.travel(121)

    hold(db, product, 48)

    assert stock(db, product) == (0, 48, 0)


def test_a_sold_out_answer_leaves_expired_holds_that_are_not_enough_as_available(db: Database) -> None:
    product = new_product(db, 10)
    hold(db, product, 6)
    db.travel(60)
    hold(db, product, 4)
    db.travel(121)

    assert refusal(lambda: hold(db, product, 7)).slug == "sold_out"
    assert stock(db, product) == (6, 4, 0)


def test_a_released_hold_gives_its_units_back_once_and_answers_410(db: Database) -> None:
    product = new_product(db, 5)
    hold_id = hold(db, product, 2)

    first, again = db.one("release_hold", hold_id), db.one("release_hold", hold_id)

    assert (first["status"], first["replayed"], again["replayed"]) == ("released", 0, 1)
    assert first["ended_at"] == again["ended_at"] is not None
    assert stock(db, product) == (5, 0, 0)
    refused = refusal(lambda: db.one("get_hold", hold_id))
    assert (refused.slug, refused.errno, refused.sqlstate) == ("hold_released", 31202, "45410")
    assert refusal(lambda: db.one("create_order", hold_id, new_key())).slug == "hold_released"


def test_an_ordered_hold_is_not_released_and_is_still_found(db: Database) -> None:
    product = new_product(db, 5)
    order_id = order(db, product, 2)

    assert refusal(lambda: db.one("release_hold", order_id)).slug == "hold_already_used"
    assert db.one("get_hold", order_id)["status"] == "ordered"
    assert stock(db, product) == (3, 0, 2)


def test_the_id_of_a_hold_may_be_written_in_capitals(db: Database) -> None:
    hold_id = hold(db, new_product(db, 5))

    assert db.one("get_hold", hold_id.upper())["hold_id"] == hold_id
    assert db.one("release_hold", hold_id.upper())["hold_id"] == hold_id


@pytest.mark.parametrize("procedure", ["get_hold", "release_hold", "create_order"])
def test_a_hold_that_never_was_is_not_found(db: Database, procedure: str) -> None:
    arguments = [new_key()] if procedure != "create_order" else [new_key(), None]

    refused = refusal(lambda: db.one(procedure, *arguments))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("hold_not_found", 31002, "45404")


def test_a_repeat_under_the_same_key_returns_the_first_hold_and_takes_nothing(db: Database) -> None:
    product, key = new_product(db, 5), new_key()
    db.travel(1)
    first = db.one("create_hold", product, 2, "alice", key)

    again = db.one("create_hold", product, 2, "alice", key)

    assert again == {**first, "replayed": 1}
    assert stock(db, product) == (3, 2, 0)


def test_a_repeat_is_answered_when_the_product_is_sold_out_or_its_sale_is_over(db: Database) -> None:
    product, key = new_product(db, 1, sale_ends_at=db.now() + datetime.timedelta(seconds=60)), new_key()
    first = hold(db, product, 1, key=key)

    assert hold(db, product, 1, key=key) == first
    db.travel(61)
    assert hold(db, product, 1, key=key) == first


@pytest.mark.parametrize("ended_as", ["ordered", "expired", "released", "expired and not swept"])
def test_a_repeat_after_the_hold_ended_returns_the_first_and_what_became_of_it(db: Database, ended_as: str) -> None:
    product, key = new_product(db, 5), new_key()
    first = hold(db, product, 2, "alice", key)
    if ended_as == "ordered":
        db.one("create_order", first, None)
    elif ended_as == "released":
        db.one("release_hold", first)
    else:
        db.travel(121)
    if ended_as == "expired":
        sweep(db)
    before = stock(db, product)

    again = db.one("create_hold", product, 2, "alice", key)

    assert (again["hold_id"], again["status"], again["replayed"]) == (first, ended_as.split()[0], 1)
    assert stock(db, product) == before


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("changed", ["product", "qty", "customer", "no customer"])
def test_a_key_with_other_parameters_is_refused_and_takes_nothing(db: Database, changed: str, ended: bool) -> None:
    product, other, key = new_product(db, 5), new_product(db, 5), new_key()
    first = hold(db, product, 2, "alice", key)
    if ended:
        db.one("release_hold", first)
    wish = {
        "product": (other, 2, "alice"),
        "qty": (product, 3, "alice"),
        "customer": (product, 2, "Alice"),
        "no customer": (product, 2, None),
    }[changed]

    refused = refusal(lambda: db.one("create_hold", *wish, key))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("idempotency_key_reused", 31303, "45422")
    assert stock(db, product) == ((5, 0, 0) if ended else (3, 2, 0))
    assert stock(db, other) == (5, 0, 0)


def test_a_refused_wish_may_try_again_under_the_same_key(db: Database) -> None:
    product, key = new_product(db, 1), new_key()
    first = hold(db, product)
    assert refusal(lambda: hold(db, product, 1, key=key)).slug == "sold_out"
    db.one("release_hold", first)

    assert db.one("create_hold", product, 1, None, key)["replayed"] == 0


def test_keys_are_compared_byte_by_byte(db: Database) -> None:
    product, key = new_product(db, 20), new_key()

    holds = {hold(db, product, 1, key=key + suffix) for suffix in ["", " ", "a", "A", "ä", "a\u0308", "\0", "🙂"]}

    assert len(holds) == 8


def test_the_keys_of_holds_orders_and_payments_never_meet(db: Database) -> None:
    key = new_key()
    hold_id = hold(db, new_product(db, 2), 1, key=key)

    assert db.one("create_order", hold_id, key)["replayed"] == 0
    assert pay(db, hold_id, key=key)["replayed"] == 0


def test_without_a_key_each_call_is_a_hold_of_its_own(db: Database) -> None:
    product = new_product(db, 5)

    assert db.one("create_hold", product, 1, None, None) != db.one("create_hold", product, 1, None, None)
    assert stock(db, product) == (3, 2, 0)


def test_a_sold_out_product_refuses_and_names_what_to_do(db: Database) -> None:
    refused = refusal(lambda: hold(db, new_product(db, 0)))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("sold_out", 31101, "45409")
    assert refused.detail


def test_a_hold_larger_than_what_is_left_is_refused_and_a_smaller_one_is_not(db: Database) -> None:
    product = new_product(db, 5, stripes=4)
    hold(db, product, 3)

    assert refusal(lambda: hold(db, product, 3)).slug == "sold_out"
    hold(db, product, 2)
    assert stock(db, product) == (0, 5, 0)
