"""Many orders by one CALL: what is plain is done as create_order does it, and the rest is left alone."""

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.purchase_sets import answers, order_alone, order_set, order_wish
from tests.support.sale import footprint, hold, new_key, new_product, order, pay, refusal, stock

MICROSECOND = datetime.timedelta(microseconds=1)


# -- done


def test_each_order_of_a_set_is_like_one_of_create_order(db: Database) -> None:
    product = new_product(db, 200, price=1299, payment_seconds=77)
    requests = [order_wish(hold(db, product, 1 + number % 3, f"buyer {number}")) for number in range(100)]
    single = db.one("create_order", hold(db, product, 1, "buyer"), new_key())

    rows = order_set(db, requests)

    assert answers(rows) == ["done"] * 100
    for number, (request, row) in enumerate(zip(requests, rows, strict=True)):
        assert list(row) == ["number", "answer", "errno", "sqlstate", "message", *single]
        assert (row["order_id"], row["hold_id"]) == (request["hold_id"], request["hold_id"])
        assert (row["qty"], row["customer_id"], row["amount"]) == (
            1 + number % 3, f"buyer {number}", 1299 * (1 + number % 3),
        )  # fmt: skip
        assert row["pay_by"] - row["created_at"] == datetime.timedelta(seconds=77)
        assert 70_000 < row["pay_in_ms"] <= 77_000
        assert {name: type(row[name]) for name in single} == {name: type(single[name]) for name in single}
        kept = db.one("get_order", row["order_id"])
        assert {**kept, "pay_in_ms": 0} == {**{name: row[name] for name in kept}, "pay_in_ms": 0}
        again = db.one("create_order", row["hold_id"], request["idempotency_key"])
        assert (again["order_id"], again["replayed"]) == (row["order_id"], 1)
    assert stock(db, product)[1] == 0


def test_the_holds_of_a_set_are_used_up_as_one_is(db: Database) -> None:
    product = new_product(db, 10)
    alone, together = hold(db, product, 2, "ann"), hold(db, product, 2, "ann")
    db.one("create_order", alone, None)

    order_set(db, [order_wish(together, None)])

    kept = "SELECT product_id, qty, unit_price_minor, customer_id, extended_at, ended_as FROM hold_history"
    assert db.query(f"{kept} WHERE hold_uuid = %s", together) == db.query(f"{kept} WHERE hold_uuid = %s", alone)
    assert db.query("SELECT 1 FROM holds WHERE hold_uuid = %s", together) == []
    assert refusal(lambda: db.one("create_order", together, new_key())).slug == "hold_already_used"


def test_the_orders_of_a_set_may_be_of_several_products(db: Database) -> None:
    cheap, dear = new_product(db, 5, price=100), new_product(db, 5, price=90_000, payment_seconds=60)
    requests = [order_wish(hold(db, product)) for product in (dear, cheap, dear)]

    rows = order_set(db, requests)

    assert [(row["product_id"], row["amount"]) for row in rows] == [(dear, 90_000), (cheap, 100), (dear, 90_000)]
    assert [(row["pay_by"] - row["created_at"]).seconds for row in rows] == [60, 900, 60]


def test_an_order_of_a_set_costs_what_its_hold_saw(db: Database) -> None:
    product = new_product(db, 5, price=1000)
    before = hold(db, product)
    db.one("set_price", product, 2000, "dearer")

    rows = order_set(db, [order_wish(before), order_wish(hold(db, product))])

    assert [row["amount"] for row in rows] == [1000, 2000]


def test_requests_without_a_key_and_with_other_members_are_plain(db: Database) -> None:
    product = new_product(db, 5)
    holds = [hold(db, product) for _ in range(4)]

    rows = order_set(
        db,
        [order_wish(holds[0], None), order_wish(holds[1], None), {"hold_id": holds[2]},
         {**order_wish(holds[3].upper()), "note": [1]}],
    )  # fmt: skip

    assert answers(rows) == ["done"] * 4
    assert [row["order_id"] for row in rows] == holds


def test_keys_are_kept_byte_by_byte_at_their_full_length(db: Database) -> None:
    product = new_product(db, 10)
    keys = ["🙂" * 236 + new_key(), *(text + new_key() for text in ("O'Neill \"\\\0", "Zoë", "zoë", " a", "\u2028"))]
    requests = [order_wish(hold(db, product), key) for key in [*keys, keys[1] + " "]]

    assert answers(order_set(db, requests)) == ["done"] * 7
    for request in requests:
        assert db.one("create_order", request["hold_id"], request["idempotency_key"])["replayed"] == 1


def test_a_hold_counts_as_live_until_its_last_microsecond(db: Database) -> None:
    product = new_product(db, 5)
    holds = [hold(db, product), hold(db, product)]
    ends = db.one("get_hold", holds[0])["expires_at"]
    db.travel_to(ends - MICROSECOND)
    assert answers(order_set(db, [order_wish(holds[0])])) == ["done"]
    db.travel_to(db.one("get_hold", holds[1])["expires_at"])

    assert answers(order_set(db, [order_wish(holds[1])])) == ["alone"]


# -- left alone


def held(db: Database, product: int, how: str) -> str:
    """A hold of which create_order would have more to say than that it becomes an order."""
    made = hold(db, product)
    if how == "released":
        db.one("release_hold", made)
    elif how == "ordered":
        db.one("create_order", made, None)
    elif how == "paid":
        pay(db, made)
    elif how in ("failed", "declined"):
        pay(db, made, how)
    elif how == "unknown":
        return new_key()
    return made


@pytest.mark.parametrize("how", ["released", "ordered", "paid", "failed", "declined", "unknown"])
def test_a_hold_that_is_not_plain_is_left_alone_and_delays_nobody(db: Database, how: str) -> None:
    product = new_product(db, 10)
    odd, others = held(db, product, how), [hold(db, product), hold(db, product)]
    requests = [order_wish(others[0]), order_wish(odd), order_wish(others[1])]
    before = db.query("SELECT * FROM orders WHERE order_uuid = %s", odd)

    assert answers(order_set(db, requests)) == ["done", "alone", "done"]

    assert db.query("SELECT * FROM orders WHERE order_uuid = %s", odd) == before
    assert isinstance(order_alone(db, requests[1]), dict) == (how in ("paid", "failed", "declined"))


def test_a_hold_at_a_price_of_0_is_left_alone(db: Database) -> None:
    gift = new_product(db, 5, price=0)
    request = order_wish(hold(db, gift))

    assert answers(order_set(db, [request, order_wish(hold(db, new_product(db, 5)))])) == ["alone", "done"]
    made = order_alone(db, request)
    assert isinstance(made, dict)
    assert made["status"] == "paid"


def test_a_key_that_is_known_is_left_alone_and_delays_nobody(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    db.one("create_order", hold(db, product), key)
    holds = [hold(db, product) for _ in range(3)]

    rows = order_set(db, [order_wish(holds[0]), order_wish(holds[1], key), order_wish(holds[2], None)])

    assert answers(rows) == ["done", "alone", "done"]
    assert stock(db, product) == (6, 1, 3)


def test_a_reference_that_is_known_or_comes_twice_is_left_alone_and_delays_nobody(db: Database) -> None:
    product, known, twice = new_product(db, 10), new_key(), new_key()
    db.one("create_order", hold(db, product), new_key(), known)
    wishes = [{**order_wish(hold(db, product)), "reference": reference} for reference in (None, known, twice, twice)]

    assert answers(order_set(db, wishes)) == ["done", "alone", "done", "alone"]
    assert stock(db, product) == (5, 2, 3)


def test_of_requests_for_the_same_hold_or_under_the_same_key_only_the_first_is_done(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    first, second, third = (hold(db, product) for _ in range(3))

    rows = order_set(
        db,
        [order_wish(first, key), order_wish(first.upper()), order_wish(second, key), order_wish(second),
         order_wish(third, None)],
    )  # fmt: skip

    # The second hold was asked for twice, so that its first request decides, and that one is for create_order.
    assert answers(rows) == ["done", "alone", "alone", "alone", "done"]


@pytest.mark.parametrize(
    "odd",
    [
        None, 7, "text", [], [1], {}, {"hold_id": None}, {"hold_id": ""}, {"hold_id": 5}, {"hold_id": True},
        {"hold_id": {"id": 1}}, {"hold_id": ["x"]}, {"hold_id": "x" * 36}, {"hold_id": "é" * 36},
        {"hold_id": "0" * 100_000}, {"hold_id": "{}"}, {"idempotency_key": ""}, {"idempotency_key": "x" * 273},
        {"idempotency_key": "x" * 100_000}, {"idempotency_key": 5}, {"idempotency_key": 1.5}, {"idempotency_key": True},
        {"idempotency_key": ["k"]}, {"idempotency_key": {}}, {"hold": "text"},
    ],
)  # fmt: skip
def test_an_odd_request_is_left_alone_and_delays_nobody(db: Database, odd: Any) -> None:
    product = new_product(db, 10)
    holds = [hold(db, product) for _ in range(3)]
    request = {**order_wish(holds[1]), **odd} if isinstance(odd, dict) and odd else odd
    if odd == {"hold": "text"}:
        request = {"hold": holds[1], "idempotency_key": new_key()}

    rows = order_set(db, [order_wish(holds[0]), request, order_wish(holds[2])])

    assert answers(rows) == ["done", "alone", "done"]
    assert stock(db, product) == (7, 1, 2)
    assert answers(order_set(db, [request])) == ["alone"]


@pytest.mark.parametrize(
    "spelling", ["{uuid} ", " {uuid}", "{{{uuid}}}", "{hex}", "{uuid}\n", "{uuid}          "], ids=repr
)  # fmt: skip
def test_an_id_in_another_form_than_create_order_takes_is_left_alone(db: Database, spelling: str) -> None:
    made = hold(db, new_product(db, 10))
    odd = spelling.format(uuid=made, hex=made.replace("-", ""))

    assert answers(order_set(db, [order_wish(odd)])) == ["alone"]
    assert refusal(lambda: db.one("create_order", odd, None)).slug == "invalid_argument"


def test_what_somebody_else_is_working_on_is_left_alone_and_not_waited_for(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    product, stopping = new_product(db, 10), new_product(db, 10)
    admin, holds = connect_as("admin"), [hold(db, product), hold(db, product), hold(db, stopping)]
    admin.query("START TRANSACTION")
    admin.query("SELECT * FROM holds WHERE hold_id = UUID_TO_BIN(%s) FOR UPDATE", holds[1])
    admin.query("SELECT * FROM products WHERE product_id = %s FOR UPDATE", stopping)

    assert answers(order_set(db, [order_wish(made) for made in holds])) == ["done", "alone", "alone"]
    admin.query("ROLLBACK")


# -- what is no set


@pytest.mark.parametrize(
    "requests",
    [None, "", "[", "[1,]", "{}", "null", "7", '"[1]"', "[]", '{"hold_id": "x"}', "[" * 101 + "]" * 101,
     json.dumps([{}] * 101), "[] []", "[NaN]", '["\\ud800"]', '[{"hold_id": 1e999}]'],
)  # fmt: skip
def test_what_is_no_array_of_1_to_100_elements_is_refused_by_name(db: Database, requests: str | None) -> None:
    before = footprint(db)

    refused = refusal(lambda: db.call("create_orders", requests))

    assert (refused.slug, refused.sqlstate) == ("invalid_argument", "45422")
    assert refused.detail == "requests must be a JSON array of 1 to 100 elements"
    assert footprint(db) == before


def test_a_session_of_any_settings_orders_the_same(connect_as: Callable[..., Database], db: Database) -> None:
    other = connect_as("dba", charset="latin1", collation="latin1_swedish_ci", time_zone="+05:30")
    other.query("SET SESSION group_concat_max_len = 4, div_precision_increment = 0, sql_mode = 'ANSI_QUOTES'")
    product = new_product(db, 100)
    requests = [order_wish(hold(db, product), f"Zoë {new_key()}") for _ in range(60)]

    rows = order_set(other, requests)

    assert answers(rows) == ["done"] * 60
    now = db.now()
    assert all(abs(now - row["created_at"]) < datetime.timedelta(seconds=60) for row in rows)
    for request in requests:
        assert db.one("create_order", request["hold_id"], request["idempotency_key"])["replayed"] == 1


def test_orders_are_counted_as_unpaid_where_customers_have_limits(db: Database) -> None:
    product = new_product(db, 20, max_per_customer=4)
    holds = [hold(db, product, 2, "ann"), hold(db, product, 1, "bob")]

    assert answers(order_set(db, [order_wish(made) for made in holds])) == ["done", "done"]

    counted = "SELECT units, unpaid_units FROM customer_units WHERE product_id = %s ORDER BY customer_id"
    assert [tuple(row.values()) for row in db.query(counted, product)] == [(2, 2), (1, 1)]
    assert order(db, product, 2, "ann")
