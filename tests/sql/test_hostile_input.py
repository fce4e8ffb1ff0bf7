"""Whatever a DBA hands to a procedure: it is done, or refused by name, and a refusal changes nothing."""

import datetime
import decimal
import re
from collections.abc import Callable
from typing import Any

import mysql.connector
import pytest

from tests.support.database import Database, Refused
from tests.support.good_calls import MAY_BE_NULL, PARAMETERS, PROCEDURES, GoodCalls
from tests.support.sale import hold, new_product, order, pay, refusal, stock, sweep

HOSTILE: dict[str, list[Any]] = {
    "BIGINT": [
        -1, 0, 2**31 - 1, 2**31, 2**32, 2**63 - 1, -(2**63), 2**64, 1.5, -0.4, 1e300, decimal.Decimal("129.00"), True,
        "1.5", "129.00", "1e3", "+1", " 1", "1 ", "1\n", "1\u2028", "\t1", "", "-", "--1", "1,000", "0x10", "１２", "٣",
        "12 pieces", "NULL", "9" * 19, "9" * 100_000,
    ],
    "DATETIME": [datetime.datetime(1000, 1, 1), datetime.datetime(9999, 12, 31, 23, 59, 59, 999999)],
    "TEXT": [
        "", " ", "x" * 300, "x" * 100_000, "🙂" * 300, "' OR '1' = '1", '"; DROP TABLE holds; --', "\\", "a\0b",
        "\0" * 36, "🙂", "é" * 36, "NULL", "%", "_" * 36, "0" * 32, "{019f0c1e-7a51-7d0c-9d6b-3f0a4be7c1d2}",
        "019f0c1e-7a51-7d0c-9d6b-3f0a4be7c1dg", "019f0c1e7a517d0c9d6b3f0a4be7c1d2",
        "019f0c1e-7a51-7d0c-9d6b-3f0a4be7c1d2 ",
        "[" * 101 + "]" * 101, '{"a": 1e999}', "\ud7ff\uffff\U0010ffff",
    ],
}  # fmt: skip


@pytest.fixture
def shop(db: Database, request: pytest.FixtureRequest) -> GoodCalls:
    """A scratch shop."""
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    return GoodCalls(db, parameters.get("procedure", ""))


def products_of(shop: GoodCalls) -> set[str]:
    """The ids of all products, as texts."""
    return {str(row["product_id"]) for row in shop.db.query("SELECT product_id FROM products")}


def test_the_arguments_this_module_calls_good_are_accepted(shop: GoodCalls) -> None:
    for procedure in PROCEDURES:
        GoodCalls(shop.db, procedure).call(procedure)


@pytest.mark.parametrize(("procedure", "parameter", "kind"), PARAMETERS)
def test_hostile_values_are_taken_or_refused_by_name(
    shop: GoodCalls, procedure: str, parameter: str, kind: str
) -> None:
    before = shop.state()
    for value in HOSTILE[kind]:
        try:
            shop.call(procedure, **{parameter: value})
        except Refused as refused:
            answer = refused
        else:
            shop = GoodCalls(shop.db, procedure)
            before = shop.state()
            continue
        assert shop.state() == before, value
        number = str(int(value)) if isinstance(value, bool) else str(value)
        # Another product of this id is judged by its own stock.
        if answer.slug == "invalid_argument" and not (parameter == "product_id" and number in products_of(shop)):
            assert re.search(rf"\b{parameter}\b", answer.detail), (value, answer)


@pytest.mark.parametrize(("procedure", "parameter", "kind"), PARAMETERS)
def test_null_is_refused_by_name_wherever_it_is_not_documented(
    shop: GoodCalls, procedure: str, parameter: str, kind: str
) -> None:
    before = shop.state()
    if (procedure, parameter) in MAY_BE_NULL:
        shop.call(procedure, **{parameter: None})
    else:
        refused = refusal(lambda: shop.call(procedure, **{parameter: None}))
        assert (refused.slug, refused.sqlstate) == ("invalid_argument", "45422")
        assert refused.detail.startswith(f"{parameter} ")
        assert shop.state() == before


@pytest.mark.parametrize(
    ("procedure", "parameter", "value"),
    [
        ("create_hold", "product_id", 0), ("create_hold", "qty", 0), ("create_hold", "qty", -1),
        ("create_hold", "qty", 2**31), ("create_hold", "customer_id", ""), ("create_hold", "customer_id", "x" * 129),
        ("create_hold", "idempotency_key", ""), ("create_hold", "idempotency_key", "x" * 273),
        ("create_order", "hold_id", "8"), ("create_order", "idempotency_key", ""),
        ("create_order", "idempotency_key", "x" * 273), ("get_hold", "hold_id", "8"), ("release_hold", "hold_id", "8"),
        ("get_order", "order_id", "8"), ("get_product", "product_id", -1), ("adjust_stock", "delta", 0),
        ("adjust_stock", "delta", -(2**40)), ("adjust_stock", "reason", ""), ("adjust_stock", "reason", "x" * 256),
        ("receive_payment_webhook", "idempotency_key", ""), ("receive_payment_webhook", "idempotency_key", "x" * 256),
        ("receive_payment_webhook", "order_id", ""), ("receive_payment_webhook", "order_id", "x" * 256),
        ("receive_payment_webhook", "payment_id", ""), ("receive_payment_webhook", "payment_id", "x" * 256),
        ("receive_payment_webhook", "status", "Succeeded"), ("receive_payment_webhook", "amount", "25.00"),
        ("receive_payment_webhook", "status", "succeeded "), ("receive_payment_webhook", "amount", -1),
        ("receive_payment_webhook", "currency", "eur"), ("receive_payment_webhook", "payload", "{"),
        ("expire_holds", "limit", 0), ("expire_orders", "limit", 1_000_001), ("help", "name", "teleport"),
        ("set_price", "price", -1), ("set_price", "price", "99.00"), ("set_price", "price", 10**12 + 1),
        ("set_price", "reason", ""), ("stop_sale", "reason", "x" * 256), ("archive_product", "reason", ""),
        ("record_refund", "payment_id", ""), ("accept_payment", "payment_id", "x" * 256),
        ("cancel_pending_order", "order_id", "8"), ("fulfil_order", "order_id", "8"),
        ("forget_customer", "customer_id", ""), ("forget_customer", "customer_id", "x" * 129),
        ("create_order", "reference", ""), ("create_order", "reference", "x" * 65), ("create_order", "metadata", ""),
        ("create_order", "metadata", "[]"), ("create_order", "metadata", "null"),
        ("create_order", "metadata", '{"a": "' + "x" * 2040 + '"}'), ("list_orders", "status", "Paid"),
        ("list_orders", "after", "8"), ("list_orders", "limit", 1_001), ("list_products", "after", -1),
        ("list_products", "sale", "Open"),
        ("list_products", "limit", 0), ("purge_history", "days", "1.5"), ("purge_history", "days", 36_501),
    ],
)  # fmt: skip
def test_what_is_just_not_allowed_is_refused_by_name(
    shop: GoodCalls, procedure: str, parameter: str, value: object
) -> None:
    before = shop.state()

    refused = refusal(lambda: shop.call(procedure, **{parameter: value}))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("invalid_argument", 31301, "45422")
    assert refused.detail.startswith(f"{parameter} ")
    assert shop.state() == before


@pytest.mark.parametrize(
    ("procedure", "parameter", "value"),
    [
        ("create_hold", "customer_id", "🙂" * 128), ("create_hold", "idempotency_key", "🙂" * 272),
        ("create_hold", "idempotency_key", "O'Neill \"\\\0"), ("create_order", "idempotency_key", "🙂" * 272),
        ("receive_payment_webhook", "idempotency_key", "🙂" * 255), ("receive_payment_webhook", "amount", 2**63 - 1),
        ("receive_payment_webhook", "payment_id", "🙂" * 255), ("receive_payment_webhook", "payment_id", "\0"),
        ("receive_payment_webhook", "payload", '"' + "x" * 100_000 + '"'), ("adjust_stock", "reason", "🙂" * 255),
        ("create_order", "reference", "🙂" * 64), ("create_order", "metadata", '{"a": "' + "x" * 2039 + '"}'),
        ("expire_holds", "limit", 1_000_000),
    ],
)  # fmt: skip
def test_what_is_just_allowed_is_kept_as_it_is(shop: GoodCalls, procedure: str, parameter: str, value: object) -> None:
    [row] = shop.call(procedure, **{parameter: value})

    assert row.get(parameter, value) == value


@pytest.mark.parametrize(
    "literal",
    [
        "99999999999999999999", "-1e30", "1e300", "129.00", "1.5", "-0.4", "'many'", "'2 pieces'", "'1.0'", "'1\\n'",
        "NOW()", "X'41'",
    ],
)  # fmt: skip
def test_what_is_no_whole_number_is_refused_by_name_and_never_rounded(shop: GoodCalls, literal: str) -> None:
    before = shop.state()

    refused = refusal(lambda: shop.db.query(f"CALL create_hold({shop.product}, {literal}, NULL, NULL)"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("invalid_argument", 31301, "45422")
    assert refused.detail == "qty must be a whole number from 1 to 2147483647"
    assert shop.state() == before


def test_a_whole_number_may_be_given_as_a_text_or_as_an_expression(shop: GoodCalls) -> None:
    for literal in ("3", "'3'", "1 + 2", "CAST(3 AS DECIMAL)", "3e0"):
        [made] = shop.db.query(f"CALL create_hold({shop.product}, {literal}, NULL, NULL)")
        assert made["qty"] == 3


@pytest.mark.parametrize("given", [{}, {"order_id": None}, {"payment_id": None}, {"order_id": "cart of ada"}])
def test_an_event_names_its_order_or_its_payment_or_both(shop: GoodCalls, given: dict[str, object]) -> None:
    assert shop.call("receive_payment_webhook", **given)[0]["replayed"] == 0


@pytest.mark.parametrize("status", ["succeeded", "declined", "failed", "refunded", "refund_failed", "dispute_opened"])
def test_an_event_that_names_neither_its_order_nor_its_payment_is_refused(shop: GoodCalls, status: str) -> None:
    before = shop.state()
    refused = refusal(lambda: shop.call("receive_payment_webhook", order_id=None, payment_id=None, status=status))

    assert (refused.slug, refused.sqlstate) == ("invalid_argument", "45422")
    assert "order_id or payment_id" in refused.detail
    assert shop.state() == before


@pytest.mark.parametrize(
    "setting",
    [
        "sql_mode = ''",
        "sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'",
        "sql_mode = 'TRADITIONAL,PAD_CHAR_TO_FULL_LENGTH'",
        "sql_safe_updates = 1",
        "sql_select_limit = 0",
        "sql_auto_is_null = 1",
        "group_concat_max_len = 4",
        "div_precision_increment = 0",
    ],
)
def test_the_settings_of_the_callers_session_change_nothing(db: Database, setting: str) -> None:
    db.query(f"SET SESSION {setting}")

    product = new_product(db, 64, stripes=64, max_per_customer=20)
    assert refusal(lambda: hold(db, product, 0, "alice")).slug == "invalid_argument"
    db.one("release_hold", hold(db, product, 3, "alice"))
    hold(db, product, 10, "alice")
    pay(db, order(db, product, 2, "alice"), "failed")
    paid = order(db, product, 2, "alice")
    assert pay(db, paid, "succeeded", 2000, "EUR")["order_status"] == "paid"
    order(db, product, 1, "bob")
    assert stock(db, product) == (51, 10, 3)
    db.travel(901)
    sweep(db)
    assert db.one("adjust_stock", product, -62, "damaged")["available"] == 0
    assert pay(db, paid, "refunded")["order_status"] == "refunded"
    assert stock(db, product) == (2, 0, 0)


def test_a_caller_with_another_character_set_and_time_zone_gets_the_same(
    shop: GoodCalls, connect_as: Callable[..., Database]
) -> None:
    other = connect_as("dba", charset="latin1", collation="latin1_swedish_ci", time_zone="+05:30")

    made = other.one("create_hold", shop.product, 1, "Zoë", "clé")

    assert (made["customer_id"], made["replayed"]) == ("Zoë", 0)
    assert shop.db.one("create_hold", shop.product, 1, "Zoë", "clé")["hold_id"] == made["hold_id"]
    assert abs(made["created_at"] - shop.db.now()) < datetime.timedelta(minutes=1)
    assert refusal(lambda: other.one("create_hold", shop.product, 1, "Zoe", "clé")).slug == "idempotency_key_reused"


def test_bytes_that_are_no_text_are_refused(shop: GoodCalls) -> None:
    before = shop.state()

    with pytest.raises(mysql.connector.Error):
        shop.db.query(f"CALL create_hold({shop.product}, 1, X'FF00FE', NULL)")

    assert shop.state() == before
