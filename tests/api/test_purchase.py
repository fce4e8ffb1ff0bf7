"""A purchase from the shelf to the paid order, by HTTP."""

import datetime
import re

import httpx
import pytest

from tests.support.buyer import JSON, lasting, problem_of
from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock

UUID_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def moment(text: str) -> datetime.datetime:
    """A time as the API prints it."""
    assert RFC_3339.fullmatch(text), text
    return datetime.datetime.fromisoformat(text)


def seconds_between(earlier: str, later: str) -> float:
    """The time between two printed times."""
    return (moment(later) - moment(earlier)).total_seconds()


def available_held_sold(http: httpx.Client, product: int) -> tuple[int, int, int]:
    """The units of a product as the shop shows them."""
    shown = http.get(f"/api/products/{product}").json()
    return shown["available"], shown["held"], shown["sold"]


@pytest.fixture
def product(db: Database) -> int:
    """Five units on sale."""
    return new_product(db, 5, price=4900)


def test_the_product_shows_its_price_its_rules_and_its_units(http: httpx.Client, db: Database) -> None:
    opens = datetime.datetime(2020, 1, 1, 12, 0, 0, 250000)
    product = new_product(
        db, 40, price=4900, stripes=4, hold_seconds=60, payment_seconds=600, max_per_hold=3, max_per_customer=5,
        sale_starts_at=opens,
    )  # fmt: skip

    answer = http.get(f"/api/products/{product}")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "product_id": product, "name": "Limited sneaker", "price": 4900, "currency": "EUR",
        "stock_total": 40, "available": 40, "held": 0, "sold": 0, "max_per_hold": 3, "max_per_customer": 5,
        "max_unpaid_percent": None, "pause_seconds": None, "extension_seconds": None,
        "hold_seconds": 60, "payment_seconds": 600, "stripes": 4,
        "sale_starts_at": "2020-01-01T12:00:00.250000Z", "sale_ends_at": None, "stopped_at": None, "paused_at": None,
        "archived_at": None,
    }  # fmt: skip


def test_the_list_shows_each_product_as_its_own_address_does(http: httpx.Client, product: int) -> None:
    listed = http.get(f"/api/products?after={product - 1}")

    assert listed.status_code == 200
    assert listed.json().keys() == {"products", "next"}
    assert http.get(f"/api/products/{product}").json() in listed.json()["products"]


def test_a_product_is_held_ordered_and_paid(http: httpx.Client, product: int) -> None:
    held = http.post("/api/holds", json={"product_id": product, "qty": 2, "customer_id": "ada"})
    hold: JSON = held.json()
    hold_id = hold["hold_id"]
    assert (held.status_code, held.headers["location"]) == (201, f"/api/holds/{hold_id}")
    assert "idempotent-replayed" not in held.headers
    assert UUID_7.fullmatch(hold_id)
    assert seconds_between(hold["created_at"], hold["expires_at"]) == 120
    assert hold == {
        "hold_id": hold_id, "product_id": product, "qty": 2, "customer_id": "ada", "unit_price": 4900,
        "status": "active", "created_at": hold["created_at"], "expires_at": hold["expires_at"],
        "expires_in_ms": hold["expires_in_ms"], "ended_at": None,
    }  # fmt: skip
    assert 119_000 < hold["expires_in_ms"] <= 120_000
    assert lasting(http.get(held.headers["location"])) == lasting(held)
    assert available_held_sold(http, product) == (3, 2, 0)

    ordered = http.post("/api/orders", json={"hold_id": hold_id})
    order: JSON = ordered.json()
    assert (ordered.status_code, ordered.headers["location"]) == (201, f"/api/orders/{hold_id}")
    assert seconds_between(order["created_at"], order["pay_by"]) == 900
    assert order == {
        "order_id": hold_id, "hold_id": hold_id, "product_id": product, "qty": 2, "customer_id": "ada",
        "reference": None, "metadata": None, "status": "pending", "unit_price": 4900, "amount": 9800,
        "currency": "EUR", "refunded": 0, "refund_due": 0, "dispute": None,
        "created_at": order["created_at"], "pay_by": order["pay_by"],
        "pay_in_ms": order["pay_in_ms"], "paid_at": None, "fulfilled_at": None, "closed_at": None, "cancelled_as": None,
        "closed_reason": None,
    }  # fmt: skip
    assert 899_000 < order["pay_in_ms"] <= 900_000
    assert lasting(http.get(ordered.headers["location"])) == lasting(ordered)
    assert available_held_sold(http, product) == (3, 0, 2)

    event = {
        "idempotency_key": new_key(), "order_id": hold_id, "payment_id": new_key(), "status": "succeeded",
        "amount": 9800, "currency": "EUR", "occurred_at": "2026-11-27T10:00:00.25+01:00",
    }  # fmt: skip
    received = http.post("/api/payments/webhook", json=event)
    receipt: JSON = received.json()
    assert received.status_code == 200
    assert receipt == {
        "webhook_id": receipt["webhook_id"], "idempotency_key": event["idempotency_key"],
        "payment_id": event["payment_id"], "order_id": hold_id, "payment_status": "succeeded", "outcome": "applied",
        "reason": None, "payment_state": "paying", "order_status": "paid", "deliveries": 1,
    }  # fmt: skip

    paid = http.get(f"/api/orders/{hold_id}").json()
    assert paid == order | {"status": "paid", "pay_in_ms": None, "paid_at": paid["paid_at"]}
    assert seconds_between(order["created_at"], paid["paid_at"]) >= 0
    assert available_held_sold(http, product) == (3, 0, 2)


def test_an_ordered_hold_can_still_be_looked_up(http: httpx.Client, product: int) -> None:
    hold = lasting(http.post("/api/holds", json={"product_id": product, "qty": 1}))
    http.post("/api/orders", json={"hold_id": hold["hold_id"]})

    shown = http.get(f"/api/holds/{hold['hold_id']}")

    assert shown.status_code == 200
    assert lasting(shown) == hold | {"status": "ordered", "ended_at": shown.json()["ended_at"]}
    assert shown.json()["expires_in_ms"] is None
    assert moment(shown.json()["ended_at"]) > moment(hold["created_at"])


def test_the_time_of_a_payment_is_kept_in_utc(http: httpx.Client, db: Database) -> None:
    key, order_id = new_key(), new_key()
    event = {"idempotency_key": key, "order_id": order_id, "status": "failed"}

    http.post("/api/payments/webhook", json=event | {"occurred_at": "2026-11-27T10:00:00.25+01:00"})

    kept = db.value("SELECT occurred_at FROM payment_webhooks WHERE idempotency_key = %s", key)
    assert kept == datetime.datetime(2026, 11, 27, 9, 0, 0, 250000)


def test_a_failed_payment_cancels_the_order_and_returns_the_units(http: httpx.Client, product: int) -> None:
    hold_id = http.post("/api/holds", json={"product_id": product, "qty": 2}).json()["hold_id"]
    http.post("/api/orders", json={"hold_id": hold_id})

    receipt = http.post(
        "/api/payments/webhook", json={"idempotency_key": new_key(), "order_id": hold_id, "status": "failed"}
    ).json()

    assert (receipt["outcome"], receipt["order_status"]) == ("applied", "cancelled")
    order = http.get(f"/api/orders/{hold_id}").json()
    assert (order["status"], order["cancelled_as"], order["closed_reason"]) == ("cancelled", "lapsed", "payment failed")
    assert moment(order["closed_at"]) > moment(order["created_at"])
    assert available_held_sold(http, product) == (5, 0, 0)


def test_a_declined_card_leaves_the_order_to_the_buyer(http: httpx.Client, product: int) -> None:
    hold_id = http.post("/api/holds", json={"product_id": product, "qty": 2}).json()["hold_id"]
    order = lasting(http.post("/api/orders", json={"hold_id": hold_id}))
    told = []
    for status in ("declined", "declined", "succeeded"):
        event = {"idempotency_key": new_key(), "order_id": hold_id, "payment_id": f"pi_{hold_id}", "status": status}
        told.append(http.post("/api/payments/webhook", json=event).json())
        if status == "declined":
            assert lasting(http.get(f"/api/orders/{hold_id}")) == order

    assert [(receipt["payment_state"], receipt["order_status"]) for receipt in told] == [
        ("open", "pending"), ("open", "pending"), ("paying", "paid"),
    ]  # fmt: skip


def test_what_is_left_is_counted_in_milliseconds_by_the_database(http: httpx.Client, db: Database) -> None:
    product = new_product(db, 5, hold_seconds=60, payment_seconds=600)
    db.travel(-20)
    hold_id = db.one("create_hold", product, 1, None, new_key())["hold_id"]
    ordered = db.one("create_order", db.one("create_hold", product, 1, None, new_key())["hold_id"], new_key())

    assert 30_000 < http.get(f"/api/holds/{hold_id}").json()["expires_in_ms"] <= 40_000
    assert 570_000 < http.get(f"/api/orders/{ordered['order_id']}").json()["pay_in_ms"] <= 580_000


def test_the_price_is_fixed_by_the_hold(http: httpx.Client, db: Database, product: int) -> None:
    hold = http.post("/api/holds", json={"product_id": product, "qty": 2}).json()
    db.one("set_price", product, 9900, "the test makes it dearer")

    order = http.post("/api/orders", json={"hold_id": hold["hold_id"]}).json()

    assert (hold["unit_price"], order["unit_price"], order["amount"]) == (4900, 4900, 9800)
    assert http.get(f"/api/products/{product}").json()["price"] == 9900


def test_a_buyer_cancels_an_order_for_good(http: httpx.Client, product: int) -> None:
    hold_id = http.post("/api/holds", json={"product_id": product, "qty": 2}).json()["hold_id"]
    http.post("/api/orders", json={"hold_id": hold_id})

    cancelled = http.post(f"/api/orders/{hold_id}/cancellation")

    assert cancelled.status_code == 200
    assert [cancelled.json()[name] for name in ("status", "cancelled_as")] == ["cancelled", "withdrawn"]
    assert available_held_sold(http, product) == (5, 0, 0)
    event = {"idempotency_key": new_key(), "order_id": hold_id, "status": "succeeded", "amount": 9800}
    late = http.post("/api/payments/webhook", json=event).json()
    assert [late[name] for name in ("outcome", "payment_state", "order_status")] == ["refund_due", "due", "cancelled"]
    assert http.get(f"/api/orders/{hold_id}").json()["refund_due"] == 9800


def test_an_order_that_is_paid_is_not_cancelled_and_one_that_is_not_is_not_handed_over(
    http: httpx.Client, product: int
) -> None:
    hold_id = http.post("/api/holds", json={"product_id": product, "qty": 1}).json()["hold_id"]
    http.post("/api/orders", json={"hold_id": hold_id})
    early = http.post(f"/api/orders/{hold_id}/fulfilment")
    http.post("/api/payments/webhook", json={"idempotency_key": new_key(), "order_id": hold_id, "status": "succeeded"})
    late = http.post(f"/api/orders/{hold_id}/cancellation")
    strangers = [http.post(f"/api/orders/{new_key()}/{done}") for done in ("cancellation", "fulfilment")]

    assert (early.status_code, problem_of(early), early.json()["code"]) == (409, "order_not_fulfillable", 31113)
    assert (late.status_code, problem_of(late), late.json()["code"]) == (409, "order_not_cancellable", 31106)
    assert [(answer.status_code, problem_of(answer)) for answer in strangers] == [(404, "order_not_found")] * 2


def test_what_was_handed_over_comes_back_as_money_only(http: httpx.Client, product: int) -> None:
    hold_id = http.post("/api/holds", json={"product_id": product, "qty": 1}).json()["hold_id"]
    http.post("/api/orders", json={"hold_id": hold_id})
    http.post("/api/payments/webhook", json={"idempotency_key": new_key(), "order_id": hold_id, "status": "succeeded"})
    handed_over = http.post(f"/api/orders/{hold_id}/fulfilment")
    http.post("/api/payments/webhook", json={"idempotency_key": new_key(), "order_id": hold_id, "status": "refunded"})

    assert moment(handed_over.json()["fulfilled_at"]) >= moment(handed_over.json()["paid_at"])
    assert http.get(f"/api/orders/{hold_id}").json()["status"] == "refunded"
    assert available_held_sold(http, product)[0] == 4


@pytest.mark.parametrize("name", ["O 17", "17", "not an id of ours 😀", "o" * 255])
def test_a_misspelt_order_is_kept_and_waits(http: httpx.Client, db: Database, name: str) -> None:
    event = {
        "idempotency_key": new_key(),
        "order_id": name,
        "payment_id": new_key(),
        "status": "succeeded",
        "amount": 1,
    }

    kept = http.post("/api/payments/webhook", json=event)

    assert (kept.status_code, kept.json()["order_id"]) == (202, None)
    assert name == db.value("SELECT order_ref FROM payment_webhooks WHERE webhook_id = %s", kept.json()["webhook_id"])
    assert [kept.json()[field] for field in ("outcome", "payment_state", "order_status")] == ["parked", "waiting", None]


def test_a_payment_of_another_amount_pays_nothing(http: httpx.Client, product: int) -> None:
    hold_id = http.post("/api/holds", json={"product_id": product, "qty": 1}).json()["hold_id"]
    http.post("/api/orders", json={"hold_id": hold_id})

    answer = http.post(
        "/api/payments/webhook",
        json={"idempotency_key": new_key(), "order_id": hold_id, "status": "succeeded", "amount": 1, "currency": "EUR"},
    )

    assert (answer.status_code, answer.json()["outcome"]) == (200, "amount_mismatch")
    assert answer.json()["reason"] == "the order is for 4900 EUR; the order is not paid by it"
    assert http.get(f"/api/orders/{hold_id}").json()["status"] == "pending"


def test_a_payment_before_its_order_waits_and_the_order_is_born_paid(http: httpx.Client, product: int) -> None:
    hold_id = http.post("/api/holds", json={"product_id": product, "qty": 1}).json()["hold_id"]
    event = {"idempotency_key": new_key(), "order_id": hold_id, "status": "succeeded", "amount": 4900}

    early = http.post("/api/payments/webhook", json=event)
    again = http.post("/api/payments/webhook", json=event)
    order = http.post("/api/orders", json={"hold_id": hold_id})
    late = http.post("/api/payments/webhook", json=event)

    assert (early.status_code, early.json()["outcome"], early.json()["order_status"]) == (202, "parked", None)
    assert early.json()["payment_state"] == "waiting"
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    assert (order.status_code, order.json()["status"]) == (201, "paid")
    assert moment(order.json()["paid_at"]) >= moment(order.json()["created_at"])
    assert (late.status_code, late.headers["idempotent-replayed"]) == (200, "true")
    assert late.json() == early.json() | {
        "outcome": "applied", "payment_state": "paying", "order_status": "paid", "deliveries": 3,
    }  # fmt: skip


def test_head_answers_like_get_without_a_body(http: httpx.Client, product: int) -> None:
    shown = http.head(f"/api/products/{product}")

    assert (shown.status_code, shown.content) == (200, b"")
    assert shown.headers["content-length"] == str(len(http.get(f"/api/products/{product}").content))


def test_what_the_shop_shows_is_what_the_database_counts(http: httpx.Client, db: Database, product: int) -> None:
    http.post("/api/holds", json={"product_id": product, "qty": 3})

    assert available_held_sold(http, product) == stock(db, product) == (2, 3, 0)
