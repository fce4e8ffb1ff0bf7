"""Many payment events by one CALL: what is plain is done as receive_payment_webhook does it, the rest is left alone."""

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.purchase_sets import answers, order_set, order_wish, pay_alone, pay_set, success
from tests.support.sale import footprint, hold, lapsed_order, new_key, new_payment, new_product, order, pay, refusal

SECOND = datetime.timedelta(seconds=1)
INBOX = (
    "SELECT payment_id, order_uuid, order_ref, payment_status, amount_minor, currency, occurred_at, payload, outcome,"
    " reason, deliveries FROM payment_webhooks WHERE idempotency_key = %s"
)
PAID = (
    "SELECT state, amount_minor, currency, reason, received_by, refund_told_minor, dispute FROM payments"
    " WHERE payment_id = %s"
)


def paid(db: Database, order_id: str) -> bool:
    """Whether the order is paid."""
    return bool(db.one("get_order", order_id)["status"] == "paid")


# -- done


def test_each_event_of_a_set_is_like_one_of_receive_payment_webhook(db: Database) -> None:
    product = new_product(db, 200)
    members = {"amount": 1000, "currency": "EUR", "occurred_at": "2026-11-26 08:00:00.123456", "payload": '{"a": [1]}'}
    alone = success(order(db, product), payment_id=new_payment(), **members)
    single = pay_alone(db, alone)
    assert isinstance(single, dict)
    events = [success(order(db, product), payment_id=new_payment(), **members) for _ in range(100)]

    rows = pay_set(db, events)

    assert answers(rows) == ["done"] * 100
    [kept], [payment] = db.query(INBOX, alone["idempotency_key"]), db.query(PAID, alone["payment_id"])
    for event, row in zip(events, rows, strict=True):
        assert list(row) == ["number", "answer", "errno", "sqlstate", "message", *single]
        own = {name: event[name] for name in ("idempotency_key", "payment_id", "order_id")}
        assert {name: row[name] for name in single} == {**single, **own, "webhook_id": row["webhook_id"]}
        assert {name: type(row[name]) for name in single} == {name: type(single[name]) for name in single}
        mine = {"payment_id": event["payment_id"], "order_uuid": event["order_id"]}
        assert db.query(INBOX, event["idempotency_key"]) == [{**kept, **mine}]
        assert db.query(PAID, event["payment_id"]) == [{**payment, "received_by": event["idempotency_key"]}]
        assert paid(db, event["order_id"])
        again = pay_alone(db, event)
        assert isinstance(again, dict)
        assert (again["webhook_id"], again["replayed"], again["deliveries"]) == (row["webhook_id"], 1, 2)


def test_an_event_that_names_no_payment_amount_or_currency_is_plain(db: Database) -> None:
    product = new_product(db, 10)
    orders = [order(db, product) for _ in range(4)]

    rows = pay_set(
        db,
        [success(orders[0]), success(orders[1].upper(), amount=None), success(orders[2], currency="EUR", note=[1]),
         success(orders[3], amount="1000", payload=None)],
    )  # fmt: skip

    assert answers(rows) == ["done"] * 4
    assert [row["payment_id"] for row in rows] == orders
    assert [row["order_id"] for row in rows] == orders
    for row in rows:
        assert db.query(PAID, row["payment_id"])[0]["amount_minor"] == 1000
    named = "SELECT amount_minor, currency FROM payment_webhooks WHERE webhook_id = %s"
    assert [tuple(db.query(named, row["webhook_id"])[0].values()) for row in rows] == [
        (None, None), (None, None), (None, "EUR"), (1000, None),
    ]  # fmt: skip


def test_an_overdue_order_is_paid_and_its_customer_pauses_as_by_one_event(db: Database) -> None:
    product = new_product(db, 50, payment_seconds=60)
    db.one("set_limits", product, pause_seconds=600, reason="fair for everybody")
    start, orders = db.now(), []
    for second, name in enumerate(["zoe", "ann", "zoe", "bob", "zoe"]):
        db.travel_to(start + second * SECOND)
        orders.append(order(db, product, second + 1, name))
    alone = order(db, product, 1, "sol")
    # All but the last order of zoe, and that of sol, are overdue.
    db.travel_to(db.one("get_order", orders[3])["pay_by"])

    assert answers(pay_set(db, [success(each) for each in orders[::-1]])) == ["done"] * 5
    pay(db, alone)

    due = [db.one("get_order", each)["pay_by"] for each in orders]
    rows = db.query("SELECT * FROM customer_units WHERE product_id = %s ORDER BY customer_id", product)
    assert [(row["customer_id"], row["units"], row["unpaid_units"], row["paused_until"]) for row in rows] == [
        ("ann", 2, 0, due[1] + 600 * SECOND), ("bob", 4, 0, due[3] + 600 * SECOND), ("sol", 1, 0, None),
        ("zoe", 9, 0, due[2] + 600 * SECOND),
    ]  # fmt: skip


def test_several_payments_of_a_customer_and_several_products_are_counted_once_each(db: Database) -> None:
    counted, other = new_product(db, 50, max_per_customer=20), new_product(db, 50, max_per_customer=9)
    free = new_product(db, 50)
    orders = [order(db, product, qty, "ann") for product, qty in ((other, 1), (counted, 2), (free, 3), (counted, 4))]
    order(db, counted, 5, "ann")
    orders.append(order(db, other, 2, "bob"))

    assert answers(pay_set(db, [success(each) for each in orders])) == ["done"] * 5

    rows = db.query("SELECT * FROM customer_units WHERE product_id IN (%s, %s)", counted, other)
    assert {(row["product_id"], row["customer_id"]): (row["units"], row["unpaid_units"]) for row in rows} == {
        (counted, "ann"): (11, 5), (other, "ann"): (1, 0), (other, "bob"): (2, 0),
    }  # fmt: skip


def test_texts_are_kept_byte_by_byte_at_their_full_length(db: Database) -> None:
    product = new_product(db, 10)
    texts = ["🙂" * 219 + new_key(), *(text + new_key() for text in ("O'Neill \"\\\0", "Zoë", "zoë", " a", "\u2028"))]
    texts.append(texts[1] + " ")
    payload = json.dumps({"note": "🙂\0\"'\\" * 5000})
    events = [
        {**success(order(db, product), payment_id=text, payload=payload), "idempotency_key": text} for text in texts
    ]

    rows = pay_set(db, events)

    assert answers(rows) == ["done"] * 7
    assert [(row["idempotency_key"], row["payment_id"]) for row in rows] == [(text, text) for text in texts]
    [kept] = db.query("SELECT payload FROM payment_webhooks WHERE idempotency_key = %s", texts[0])
    assert json.loads(kept["payload"]) == json.loads(payload)


def test_holds_orders_and_payments_go_by_sets_from_one_end_to_the_other(db: Database) -> None:
    product = new_product(db, 50)
    holds = [hold(db, product) for _ in range(50)]

    assert answers(order_set(db, [order_wish(each) for each in holds])) == ["done"] * 50
    assert answers(pay_set(db, [success(each) for each in holds])) == ["done"] * 50
    assert db.one("get_product", product)["sold"] == 50


# -- left alone


def purchase(db: Database, product: int, how: str) -> str:
    """An order, or none, of which receive_payment_webhook would have more to say than that it is paid."""
    if how == "unknown":
        return new_key()
    if how == "held":
        return hold(db, product)
    made = lapsed_order(db, product) if how == "lapsed" else order(db, product)
    if how == "withdrawn":
        db.one("cancel_order", made, "as the test says")
    elif how == "paid":
        pay(db, made)
    elif how == "refunded":
        pay(db, made)
        pay(db, made, "refunded")
    elif how == "with a wrong amount":
        pay(db, made, amount=1)
    elif how == "with a declined payment":
        pay(db, made, "declined", payment=new_payment())
    return made


@pytest.mark.parametrize(
    "how",
    ["unknown", "held", "lapsed", "withdrawn", "paid", "refunded", "with a wrong amount", "with a declined payment"],
)
def test_a_purchase_that_is_not_plain_is_left_alone_and_delays_nobody(db: Database, how: str) -> None:
    product = new_product(db, 20)
    odd, others = purchase(db, product, how), [order(db, product), order(db, product)]
    event = success(odd, payment_id=new_payment())
    before = db.query("SELECT * FROM orders WHERE order_uuid = %s", odd)

    assert answers(pay_set(db, [success(others[0]), event, success(others[1])])) == ["done", "alone", "done"]

    assert db.query("SELECT * FROM orders WHERE order_uuid = %s", odd) == before
    assert isinstance(pay_alone(db, event), dict)


@pytest.mark.parametrize(
    "odd",
    [
        None, 7, "text", [], [1], {}, {"idempotency_key": None}, {"idempotency_key": ""},
        {"idempotency_key": "x" * 256}, {"idempotency_key": "x" * 100_000}, {"idempotency_key": 5},
        {"idempotency_key": True}, {"idempotency_key": ["k"]}, {"order_id": None}, {"order_id": ""}, {"order_id": 5},
        {"order_id": "order 7"},
        {"order_id": {}}, {"order_id": "x" * 100_000}, {"payment_id": ""}, {"payment_id": "x" * 256},
        {"payment_id": 5}, {"payment_id": ["p"]}, {"payment_id": False}, {"status": None}, {"status": "declined"},
        {"status": "failed"}, {"status": "refunded"}, {"status": "other"}, {"status": "Succeeded"},
        {"status": "succeeded "}, {"status": ["succeeded"]}, {"amount": 999}, {"amount": 0}, {"amount": -1000},
        {"amount": 1000.0}, {"amount": 1e3}, {"amount": "1000.00"}, {"amount": " 1000"}, {"amount": "1000\n"},
        {"amount": 10**19}, {"amount": True}, {"amount": [1000]}, {"amount": ""}, {"currency": "USD"},
        {"currency": "eur"}, {"currency": "EURO"}, {"currency": ["EUR"]}, {"currency": "EUR "}, {"currency": ""},
        {"occurred_at": "2026-11-26"}, {"occurred_at": "2026-13-26 08:00:00.000000"}, {"occurred_at": "yesterday"},
        {"occurred_at": "2026-11-26T08:00:00Z"}, {"occurred_at": "2026-11-26 08:00:00.0000001"},
        {"occurred_at": "2026-11-26 08:00:00+02:00"}, {"occurred_at": 20261126}, {"occurred_at": ["x"]},
        {"occurred_at": ""}, {"payload": ""}, {"payload": "{"}, {"payload": {}}, {"payload": [1]}, {"payload": 5},
        {"payload": "[" * 101 + "]" * 101}, {"payload": json.dumps({"x" * 65_536: 1})}, {"payload": '{"a": 1e999}'},
    ],
    ids=lambda odd: repr(odd)[:60],
)  # fmt: skip
def test_an_odd_event_is_left_alone_and_delays_nobody(db: Database, odd: Any) -> None:
    product = new_product(db, 10)
    orders = [order(db, product) for _ in range(3)]
    plain = success(orders[1], payment_id=new_payment(), amount=1000, currency="EUR", payload="{}")
    event = {**plain, **odd} if isinstance(odd, dict) and odd else odd

    rows = pay_set(db, [success(orders[0], payload='{"a": {}}'), event, success(orders[2], payload="[]")])

    assert answers(rows) == ["done", "alone", "done"]
    assert [paid(db, each) for each in orders] == [True, False, True]
    assert answers(pay_set(db, [event])) == ["alone"]


def test_a_key_or_a_payment_that_is_known_is_left_alone_and_delays_nobody(db: Database) -> None:
    product, key, payment = new_product(db, 10), new_key(), new_payment()
    pay(db, order(db, product), key=key, payment=payment)
    orders = [order(db, product) for _ in range(4)]

    rows = pay_set(
        db,
        [success(orders[0]), {**success(orders[1]), "idempotency_key": key}, success(orders[2], payment_id=payment),
         success(orders[3])],
    )  # fmt: skip

    assert answers(rows) == ["done", "alone", "alone", "done"]


def test_of_events_with_the_same_key_order_or_payment_only_the_first_is_done(db: Database) -> None:
    product, key, payment = new_product(db, 10), new_key(), new_payment()
    orders = [order(db, product) for _ in range(4)]

    rows = pay_set(
        db,
        [{**success(orders[0], payment_id=payment), "idempotency_key": key}, success(orders[0].upper()),
         {**success(orders[1]), "idempotency_key": key}, success(orders[2], payment_id=payment),
         success(orders[3], payment_id=new_payment())],
    )  # fmt: skip

    assert answers(rows) == ["done", "alone", "alone", "alone", "done"]


def test_the_payment_that_an_order_stands_for_and_one_of_its_name_are_the_same(db: Database) -> None:
    product = new_product(db, 10)
    first, second = order(db, product), order(db, product)

    rows = pay_set(db, [success(first.upper()), success(second, payment_id=first)])

    assert answers(rows) == ["done", "alone"]
    assert rows[0]["payment_id"] == first


def test_an_event_that_is_left_alone_keeps_its_place_before_the_others_of_its_order(db: Database) -> None:
    made = order(db, new_product(db, 10))
    events = [{**success(made), "status": "failed"}, success(made)]

    assert answers(pay_set(db, events)) == ["alone", "alone"]


def test_an_order_that_somebody_else_is_working_on_is_left_alone_and_not_waited_for(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    product, admin = new_product(db, 10), connect_as("admin")
    orders = [order(db, product), order(db, product)]
    admin.query("START TRANSACTION")
    admin.query("SELECT * FROM orders WHERE order_id = UUID_TO_BIN(%s) FOR UPDATE", orders[1])

    assert answers(pay_set(db, [success(each) for each in orders])) == ["done", "alone"]
    admin.query("ROLLBACK")


# -- what is no set


@pytest.mark.parametrize(
    "events",
    [None, "", "[", "[1,]", "{}", "null", "7", '"[1]"', "[]", '{"order_id": "x"}', "[" * 101 + "]" * 101,
     json.dumps([{}] * 101), "[] []", "[NaN]", '["\\ud800"]', '[{"amount": 1e999}]'],
)  # fmt: skip
def test_what_is_no_array_of_1_to_100_elements_is_refused_by_name(db: Database, events: str | None) -> None:
    before = footprint(db)

    refused = refusal(lambda: db.call("receive_payment_webhooks", events))

    assert (refused.slug, refused.sqlstate) == ("invalid_argument", "45422")
    assert refused.detail == "events must be a JSON array of 1 to 100 elements"
    assert footprint(db) == before


def test_a_session_of_any_settings_pays_the_same(connect_as: Callable[..., Database], db: Database) -> None:
    other = connect_as("dba", charset="latin1", collation="latin1_swedish_ci", time_zone="+05:30")
    other.query("SET SESSION group_concat_max_len = 4, div_precision_increment = 0, sql_mode = 'ANSI_QUOTES'")
    product = new_product(db, 100)
    events = [
        success(order(db, product), payment_id=f"Zoë {new_key()}", occurred_at="2026-11-26 08:00:00.123456")
        for _ in range(60)
    ]

    assert answers(pay_set(other, events)) == ["done"] * 60

    for event in events:
        [kept] = db.query(INBOX, event["idempotency_key"])
        assert (kept["payment_id"], kept["occurred_at"]) == (
            event["payment_id"], datetime.datetime(2026, 11, 26, 8, 0, 0, 123456),
        )  # fmt: skip
