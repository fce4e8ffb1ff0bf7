"""Many buyers by one CALL: what is plain is done or refused by the product, and the rest is left alone."""

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.hold_sets import answers, hold_set, wish
from tests.support.sale import footprint, hold, new_key, new_product, refusal, stock

HOUR = datetime.timedelta(hours=1)


def limited(db: Database, *limits: int | None, stock: int = 100, **options: Any) -> int:
    """A product with max_per_customer, max_unpaid_percent and pause_seconds."""
    product = new_product(db, stock, **options)
    db.one("set_limits", product, *limits, reason="fair for everybody")
    return product


# -- done


def test_each_buyer_of_a_set_gets_a_hold_of_his_own_that_is_like_one_of_create_hold(db: Database) -> None:
    product = new_product(db, 100, price=1299, hold_seconds=77)
    requests = [wish(product, 1 + number % 3, f"buyer {number}") for number in range(100 // 3)]

    rows = hold_set(db, requests)

    assert answers(rows) == ["done"] * len(requests)
    assert len({row["hold_id"] for row in rows}) == len(requests)
    single = db.one("create_hold", product, 1, "buyer", None)
    for request, row in zip(requests, rows, strict=True):
        assert list(row) == ["number", "answer", "errno", "sqlstate", "message", *single]
        assert (row["errno"], row["sqlstate"], row["message"]) == (None, None, None)
        assert {name: row[name] for name in ("product_id", "qty", "customer_id")}.items() <= request.items()
        assert (row["unit_price"], row["status"], row["ended_at"], row["replayed"]) == (1299, "active", None, 0)
        assert row["expires_at"] - row["created_at"] == datetime.timedelta(seconds=77)
        assert 70_000 < row["expires_in_ms"] <= 77_000
        assert {name: type(row[name]) for name in single} == {name: type(single[name]) for name in single}
        kept = db.one("get_hold", row["hold_id"])
        assert {**kept, "expires_in_ms": None} == {**{name: row[name] for name in kept}, "expires_in_ms": None}
        again = db.one("create_hold", product, row["qty"], row["customer_id"], request["idempotency_key"])
        assert (again["hold_id"], again["replayed"]) == (row["hold_id"], 1)


def test_ids_are_uuids_of_version_7_that_begin_with_the_time(db: Database) -> None:
    product = new_product(db, 100)

    for row in hold_set(db, [wish(product) for _ in range(100)]):
        assert row["hold_id"][14] == "7"
        assert row["hold_id"][19] in "89ab"
        milliseconds = int(row["hold_id"].replace("-", "")[:12], 16)
        assert abs(milliseconds / 1000 - row["created_at"].replace(tzinfo=datetime.UTC).timestamp()) < 1


def test_buyers_without_a_name_or_a_key_or_members_for_them_are_served_each_time(db: Database) -> None:
    product = new_product(db, 100)
    bare = {"product_id": product, "qty": 1}

    rows = hold_set(db, [wish(product, key=None), wish(product, key=None), bare, bare, {**bare, "note": "to a friend"}])

    assert answers(rows) == ["done"] * 5
    assert stock(db, product) == (95, 5, 0)


def test_texts_are_kept_byte_by_byte_at_their_full_length(db: Database) -> None:
    product = new_product(db, 100)
    names = ["🙂" * 128, "O'Neill \"\\\0", "Zoë", "zoë", " a", "a ", "\u2028"]
    keys = ["🙂" * 236 + new_key(), *(f"{name}{new_key()}" for name in names[1:])]

    rows = hold_set(db, [wish(product, 1, name, key) for name, key in zip(names, keys, strict=True)])

    assert [row["customer_id"] for row in rows] == names
    for name, key, row in zip(names, keys, rows, strict=True):
        assert db.one("create_hold", product, 1, name, key)["hold_id"] == row["hold_id"]


@pytest.mark.parametrize("stripes", [1, 7])
def test_the_last_units_go_to_those_who_came_first(db: Database, stripes: int) -> None:
    product = new_product(db, 10, stripes=stripes)

    first = hold_set(db, [wish(product, 3) for _ in range(2)])
    second = hold_set(db, [wish(product, 2), wish(product, 1), wish(product, 2), wish(product, 1)])

    assert answers(first) == ["done", "done"]
    assert answers(second) == ["done", "done", "alone", "alone"]
    assert stock(db, product) == (1, 9, 0)


@pytest.mark.parametrize("stripes", [1, 16])
def test_a_set_takes_the_last_unit_from_wherever_it_lies_and_the_others_hear_sold_out(
    db: Database, stripes: int
) -> None:
    product = new_product(db, 20, stripes=stripes)

    rows = hold_set(db, [wish(product) for _ in range(30)])

    assert answers(rows) == ["done"] * 20 + ["sold_out"] * 10
    assert stock(db, product) == (0, 20, 0)


# -- refused by the product


def refused_in_a_set_and_alone(db: Database, product: int) -> str:
    """The slug by which the product refuses each request of a set, as create_hold does."""
    alone = refusal(lambda: db.one("create_hold", product, 1, None, new_key()))
    rows = hold_set(db, [wish(product), wish(product, 1, "ann", None)])
    for row in rows:
        assert (row["answer"], row["errno"]) == ("refused", alone.errno)
        assert row["message"] == f"{alone.slug}: {alone.detail}"
        assert row["sqlstate"] == alone.sqlstate
        assert {row[name] for name in list(row)[5:]} == {None}
    return alone.slug


def test_the_product_refuses_in_the_words_of_create_hold(db: Database) -> None:
    db.travel(0)
    now = db.now()
    stopped = new_product(db, 10)
    db.one("stop_sale", stopped, "wrong photo")
    sold_out = new_product(db, 1)
    hold(db, sold_out)

    assert refused_in_a_set_and_alone(db, 2**31 - 1) == "product_not_found"
    assert refused_in_a_set_and_alone(db, new_product(db, 10, sale_starts_at=now + HOUR)) == "sale_not_started"
    assert refused_in_a_set_and_alone(db, new_product(db, 10, sale_ends_at=now)) == "sale_ended"
    assert refused_in_a_set_and_alone(db, stopped) == "sale_ended"
    assert refused_in_a_set_and_alone(db, sold_out) == "sold_out"
    assert refused_in_a_set_and_alone(db, new_product(db, 0)) == "sold_out"


@pytest.mark.parametrize("ending", ["live", "released"])
@pytest.mark.parametrize("why", ["sold out", "not started", "stopped"])
def test_a_known_key_is_never_refused(db: Database, ending: str, why: str) -> None:
    product, key = new_product(db, 1), new_key()
    made = hold(db, product, 1, "ann", key)
    if ending == "released":
        db.one("release_hold", made)
        hold(db, product)
    if why == "not started":
        db.one("set_sale_window", product, db.now() + HOUR, None, "later")
    elif why == "stopped":
        db.one("stop_sale", product, "over")

    rows = hold_set(db, [wish(product), wish(product, 1, "ann", key), wish(product, 1, "bob", key), wish(product)])

    assert [row["answer"] for row in rows] == ["refused", "alone", "alone", "refused"]


def test_what_has_expired_is_not_sold_out_but_for_create_hold_to_give_back(db: Database) -> None:
    product = new_product(db, 2)
    made = hold(db, product, 2)
    db.travel_to(db.one("get_hold", made)["expires_at"])

    assert answers(hold_set(db, [wish(product), wish(product, 2)])) == ["alone", "alone"]
    assert db.one("create_hold", product, 1, None, new_key())["status"] == "active"


def test_too_many_units_are_for_create_hold_to_refuse_also_when_all_are_sold(db: Database) -> None:
    product = new_product(db, 3, max_per_hold=2)

    assert answers(hold_set(db, [wish(product, 3), wish(product, 2), wish(product)])) == ["alone", "done", "done"]
    assert answers(hold_set(db, [wish(product, 3), wish(product)])) == ["alone", "sold_out"]


# -- left alone


@pytest.mark.parametrize("ending", ["live", "released", "ordered"])
def test_a_key_that_made_a_hold_before_is_left_alone_and_delays_nobody(db: Database, ending: str) -> None:
    product, key = new_product(db, 100), new_key()
    made = hold(db, product, 1, "ann", key)
    if ending == "released":
        db.one("release_hold", made)
    elif ending == "ordered":
        db.one("create_order", made, None)

    rows = hold_set(db, [wish(product), wish(product, 1, "ann", key), wish(product, 2, "bob", key), wish(product)])

    assert answers(rows) == ["done", "alone", "alone", "done"]


def test_of_requests_with_the_same_key_only_the_first_is_done(db: Database) -> None:
    product, key = new_product(db, 100), new_key()

    rows = hold_set(
        db, [wish(product), wish(product, 1, "ann", key), wish(product, 2, "ann", key), wish(product, key=key)]
    )

    assert answers(rows) == ["done", "done", "alone", "alone"]
    assert stock(db, product) == (98, 2, 0)


@pytest.mark.parametrize(
    "odd",
    [
        None, 7, "text", [], [1], {}, {"product_id": None}, {"qty": None}, {"qty": 0}, {"qty": -1}, {"qty": "1"},
        {"qty": 1.5}, {"qty": 1.0}, {"qty": True}, {"qty": 2**31}, {"qty": 2**63}, {"qty": 2**64}, {"qty": [1]},
        {"product_id": 0}, {"product_id": -1}, {"product_id": "1"}, {"product_id": 2**31}, {"product_id": 1.5},
        {"product_id": True}, {"product_id": {}}, {"customer_id": ""}, {"customer_id": "x" * 129}, {"customer_id": 5},
        {"customer_id": False}, {"customer_id": ["ann"]}, {"customer_id": {"name": "ann"}}, {"idempotency_key": ""},
        {"idempotency_key": "x" * 273}, {"idempotency_key": 5}, {"idempotency_key": ["k"]}, {"idempotency_key": 1.5},
    ],
)  # fmt: skip
def test_an_odd_request_is_left_alone_and_delays_nobody(db: Database, odd: Any) -> None:
    product = new_product(db, 100)
    request = {**wish(product), **odd} if isinstance(odd, dict) and odd else odd

    rows = hold_set(db, [wish(product), request, wish(product, 2)])

    assert answers(rows) == ["done", "alone", "done"]
    assert {row for name, row in rows[1].items() if name not in ("number", "answer")} == {None}
    assert stock(db, product) == (97, 3, 0)
    assert answers(hold_set(db, [request])) == ["alone"]


# -- limits of a customer


def test_customers_who_have_nothing_yet_are_plain_within_their_limits(db: Database) -> None:
    product = limited(db, 3, 2, 600)

    rows = hold_set(
        db, [wish(product, 2, "zoe"), wish(product, 1, "ann"), wish(product, 3, "bob"), wish(product, 2, "Ann")]
    )

    assert answers(rows) == ["done", "done", "alone", "done"]
    counted = "SELECT customer_id, units, unpaid_units FROM customer_units WHERE product_id = %s ORDER BY customer_id"
    assert [tuple(row.values()) for row in db.query(counted, product)] == [("Ann", 2, 2), ("ann", 1, 1), ("zoe", 2, 2)]


@pytest.mark.parametrize("limits", [(3,), (None, 3), (None, None, 600)])
def test_who_is_counted_already_or_twice_or_has_no_name_is_left_alone(
    db: Database, limits: tuple[int | None, ...]
) -> None:
    product = limited(db, *limits)
    hold(db, product, 1, "ann")

    rows = hold_set(
        db,
        [
            wish(product, 1, "bob"),
            wish(product, 1, "ann"),
            wish(product),
            wish(product, 1, "bob"),
            wish(product, 1, "cyd"),
        ],
    )

    assert answers(rows) == ["done", "alone", "alone", "alone", "done"]
    assert stock(db, product) == (97, 3, 0)


def test_one_unit_is_always_within_the_share_that_may_be_unpaid(db: Database) -> None:
    product = limited(db, None, 1, stock=50)

    assert answers(hold_set(db, [wish(product, 1, "ann"), wish(product, 2, "bob")])) == ["done", "alone"]


def test_sold_out_says_nothing_about_customers(db: Database) -> None:
    product = limited(db, 1, stock=1)
    hold(db, product, 1, "ann")

    assert answers(hold_set(db, [wish(product, 1, "ann"), wish(product), wish(product, 1, "bob")])) == ["sold_out"] * 3


# -- what is no set


@pytest.mark.parametrize(
    "requests",
    [None, "", "[", "[1,]", "{}", "null", "7", '"[1]"', "[]", '{"product_id": 1, "qty": 1}', "[" * 101 + "]" * 101,
     json.dumps([{}] * 101), "[] []", "[NaN]", '["\\ud800"]', '[{"qty": 1e999}]'],
)  # fmt: skip
def test_what_is_no_array_of_1_to_100_elements_is_refused_by_name(db: Database, requests: str | None) -> None:
    before = footprint(db)

    refused = refusal(lambda: db.call("create_holds", requests))

    assert (refused.slug, refused.sqlstate) == ("invalid_argument", "45422")
    assert refused.detail == "requests must be a JSON array of 1 to 100 elements"
    assert footprint(db) == before


def test_a_set_of_several_products_is_refused_and_changes_nothing(db: Database) -> None:
    one, other = new_product(db, 10), new_product(db, 10)

    refused = refusal(lambda: hold_set(db, [wish(one), wish(other)]))

    assert (refused.slug, refused.detail) == ("invalid_argument", "requests must all be of one product")
    assert (stock(db, one), stock(db, other)) == ((10, 0, 0), (10, 0, 0))


def test_a_session_of_any_character_set_and_time_zone_holds_the_same(connect_as: Callable[..., Database]) -> None:
    other = connect_as("dba", charset="latin1", collation="latin1_swedish_ci", time_zone="+05:30")
    other.query("SET SESSION group_concat_max_len = 4, div_precision_increment = 0, sql_mode = 'ANSI_QUOTES'")
    product, key = new_product(other, 10), new_key()

    [made] = hold_set(other, [wish(product, 1, "Zoë", f"clé {key}")])

    assert (made["answer"], made["customer_id"]) == ("done", "Zoë")
    assert other.one("create_hold", product, 1, "Zoë", f"clé {key}")["hold_id"] == made["hold_id"]


def test_a_set_waits_for_nobody_who_has_locked_holds_that_ended(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    product, admin = new_product(db, 20, stripes=3), connect_as("admin")
    key = new_key()
    db.one("release_hold", hold(db, product, 1, None, key))
    db.query("SET SESSION innodb_lock_wait_timeout = 1")

    admin.query("START TRANSACTION")
    admin.query("SELECT * FROM hold_history FOR UPDATE")
    first = hold_set(db, [wish(product), wish(product, key=key)])
    last = hold_set(db, [wish(product, 10), wish(product, 6), wish(product, 4)])
    admin.query("ROLLBACK")

    assert answers(first) == ["done", "alone"]
    assert answers(last) == ["done", "done", "alone"]
