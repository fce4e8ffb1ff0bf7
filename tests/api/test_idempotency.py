"""A repeated request does what the first one did, and says so."""

import httpx
import pytest

from tests.support.buyer import lasting, problem_of
from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock


@pytest.fixture
def product(db: Database) -> int:
    """Nine units on sale."""
    return new_product(db, 9)


def hold(http: httpx.Client, product: int, key: str, qty: int = 1, customer: str | None = None) -> httpx.Response:
    """Ask for units under a key."""
    body = {"product_id": product, "qty": qty, "customer_id": customer}
    return http.post("/api/holds", json=body, headers={"Idempotency-Key": key})


def order(http: httpx.Client, hold_id: str, key: str) -> httpx.Response:
    """Order a hold under a key."""
    return http.post("/api/orders", json={"hold_id": hold_id}, headers={"Idempotency-Key": key})


def test_a_repeated_hold_is_the_first_hold(http: httpx.Client, db: Database, product: int) -> None:
    key = new_key()

    first, second = hold(http, product, key), hold(http, product, key)

    assert (first.status_code, second.status_code) == (201, 200)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert lasting(second) == lasting(first)
    assert stock(db, product) == (8, 1, 0)


def test_a_repeat_tells_what_became_of_the_hold(http: httpx.Client, product: int) -> None:
    key = new_key()
    first = hold(http, product, key)
    http.delete(f"/api/holds/{first.json()['hold_id']}")

    repeat = hold(http, product, key)

    assert (repeat.status_code, repeat.headers["idempotent-replayed"]) == (200, "true")
    assert lasting(repeat) == lasting(first) | {"status": "released", "ended_at": repeat.json()["ended_at"]}
    assert repeat.json()["expires_in_ms"] is None


def test_a_repeated_order_is_the_first_order(http: httpx.Client, db: Database, product: int) -> None:
    hold_id, key = hold(http, product, new_key()).json()["hold_id"], new_key()

    first, second = order(http, hold_id, key), order(http, hold_id, key)

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.headers["idempotent-replayed"] == "true"
    assert lasting(second) == lasting(first)
    assert stock(db, product) == (8, 0, 1)


@pytest.mark.parametrize("other", [{"qty": 2}, {"customer": "bob"}, {"customer": "Ada"}])
def test_a_key_is_for_one_hold(http: httpx.Client, db: Database, product: int, other: dict[str, object]) -> None:
    key = new_key()
    hold(http, product, key, customer="ada")

    refused = hold(http, product, key, **({"customer": "ada"} | other))

    assert (refused.status_code, problem_of(refused), refused.json()["code"]) == (422, "idempotency_key_reused", 31303)
    assert stock(db, product) == (8, 1, 0)


def test_a_key_is_for_one_product(http: httpx.Client, db: Database, product: int) -> None:
    key, other = new_key(), new_product(db, 9)
    hold(http, product, key)

    assert problem_of(hold(http, other, key)) == "idempotency_key_reused"
    assert stock(db, other) == (9, 0, 0)


def test_a_key_is_for_one_order(http: httpx.Client, db: Database, product: int) -> None:
    first, second = (hold(http, product, new_key()).json()["hold_id"] for _ in range(2))
    key = new_key()
    order(http, first, key)

    refused = order(http, second, key)

    assert (refused.status_code, problem_of(refused)) == (422, "idempotency_key_reused")
    assert stock(db, product) == (7, 1, 1)


def test_holds_orders_and_payments_may_share_a_key(http: httpx.Client, product: int) -> None:
    key = new_key()
    hold_id = hold(http, product, key).json()["hold_id"]

    ordered = order(http, hold_id, key)
    paid = http.post("/api/payments/webhook", json={"idempotency_key": key, "order_id": hold_id, "status": "succeeded"})

    assert (ordered.status_code, paid.json()["outcome"]) == (201, "applied")


def test_a_refused_request_may_try_again_under_its_key(http: httpx.Client, db: Database) -> None:
    product, key = new_product(db, 1), new_key()
    rival = hold(http, product, new_key()).json()["hold_id"]
    assert hold(http, product, key).status_code == 409
    http.delete(f"/api/holds/{rival}")

    assert hold(http, product, key).status_code == 201


def test_requests_without_a_key_are_requests_of_their_own(http: httpx.Client, db: Database, product: int) -> None:
    answers = [http.post("/api/holds", json={"product_id": product, "qty": 1}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert stock(db, product) == (7, 2, 0)


@pytest.mark.parametrize(
    ("bare", "quoted"),
    [
        ("cart-{}", '"cart-{}"'),
        (r"a\b{}", r'"a\\b{}"'),
        ('say "hi" {}', r'"say \"hi\" {}"'),
        ("%00{}", '"%00{}"'),
    ],
)
def test_a_key_is_the_same_bare_and_quoted(http: httpx.Client, product: int, bare: str, quoted: str) -> None:
    unique = new_key()

    first, second = hold(http, product, bare.format(unique)), hold(http, product, quoted.format(unique))

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["hold_id"] == first.json()["hold_id"]


def test_keys_that_differ_in_one_byte_are_two_keys(http: httpx.Client, product: int) -> None:
    key = new_key()
    keys = ["k" + key, "K" + key, "k" + key + "'", "ḱ" + key, "k\u0301" + key]

    answers = [hold(http, product, each.encode()) for each in keys]

    assert [answer.status_code for answer in answers] == [201] * len(keys)


def test_a_redelivered_payment_is_counted_and_changes_nothing(http: httpx.Client, product: int) -> None:
    hold_id = hold(http, product, new_key()).json()["hold_id"]
    order(http, hold_id, new_key())
    event = {"idempotency_key": new_key(), "order_id": hold_id, "payment_id": new_key(), "status": "succeeded"}

    first, second = (http.post("/api/payments/webhook", json=event) for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json() | {"deliveries": 2}


@pytest.mark.parametrize(
    "other",
    [
        {"status": "failed"},
        {"amount": 1001},
        {"currency": "USD"},
        {"payment_id": "pay_2"},
        {"order_id": "00000000-0000-7000-8000-000000000000"},
    ],
)
def test_a_payment_key_is_for_one_event(http: httpx.Client, product: int, other: dict[str, object]) -> None:
    hold_id = hold(http, product, new_key()).json()["hold_id"]
    order(http, hold_id, new_key())
    event = {
        "idempotency_key": new_key(), "order_id": hold_id, "status": "succeeded", "amount": 1000, "currency": "EUR",
        "occurred_at": "2026-11-27T09:00:00Z",
    }  # fmt: skip
    http.post("/api/payments/webhook", json=event)

    refused = http.post("/api/payments/webhook", json=event | other)

    assert (refused.status_code, problem_of(refused)) == (422, "idempotency_key_reused")
    assert http.post("/api/payments/webhook", json=event).json()["deliveries"] == 2
    assert http.get(f"/api/orders/{hold_id}").json()["status"] == "paid"


def test_a_provider_may_date_a_repeat_anew(http: httpx.Client) -> None:
    event = {"idempotency_key": new_key(), "order_id": new_key(), "status": "failed"}
    http.post("/api/payments/webhook", json=event | {"occurred_at": "2026-11-27T09:00:00Z"})

    repeat = http.post("/api/payments/webhook", json=event | {"occurred_at": "2026-11-27T09:05:00Z"})

    assert (repeat.status_code, repeat.json()["deliveries"]) == (202, 2)


@pytest.mark.parametrize("done", ["cancellation", "fulfilment"])
def test_an_order_is_cancelled_or_handed_over_once(http: httpx.Client, db: Database, product: int, done: str) -> None:
    hold_id = hold(http, product, new_key()).json()["hold_id"]
    order(http, hold_id, new_key())
    if done == "fulfilment":
        http.post(
            "/api/payments/webhook", json={"idempotency_key": hold_id, "order_id": hold_id, "status": "succeeded"}
        )

    first, second = (http.post(f"/api/orders/{hold_id}/{done}") for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json() == http.get(f"/api/orders/{hold_id}").json()
    assert stock(db, product) == ((9, 0, 0) if done == "cancellation" else (8, 0, 1))
