"""Requests and answers are translated faithfully; what is malformed changes nothing and names what is allowed.

A gateway that only records its CALLs stands in for MySQL: no rule of the sale is tested here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import falcon
import pytest
from falcon import testing

from api import schemas
from api.app import Gateways, create_app
from api.gateway import ProcedureError, UnavailableError
from api.openapi.examples import example_of
from api.problem_kinds import PROBLEMS
from api.settings import Settings
from sql.server.urls import parse
from tests.support.signing import STANDARD_SECRET
from tests.support.stripe_events import intent_of, succeeded

UUID = "019378d2-8c1a-7c3e-9b57-2f60c1d1a001"
NOON = datetime(2026, 11, 27, 12, 0)
SETTINGS = Settings(parse("mysql://api:secret@127.0.0.1/flashsale"))

PRODUCT = example_of(schemas.Product) | {
    "stock_total": 10, "available": Decimal(7), "held": Decimal(2), "sold": Decimal(1), "sale_starts_at": NOON,
    "stopped_at": NOON,
}  # fmt: skip
HOLD = {
    "hold_id": UUID, "product_id": 1, "qty": 2, "customer_id": None, "unit_price": 4900, "status": "active",
    "created_at": NOON, "expires_at": NOON, "expires_in_ms": Decimal(120000), "ended_at": None, "replayed": 0,
}  # fmt: skip
ORDER = {
    "order_id": UUID, "hold_id": UUID, "product_id": 1, "qty": 2, "customer_id": "ada", "reference": "shop-4711",
    "metadata": '{"cart": 81}', "status": "pending", "unit_price": 4900, "amount": 9800, "currency": "EUR",
    "refunded": Decimal(0), "refund_due": Decimal(0), "dispute": None, "created_at": NOON, "pay_by": NOON,
    "pay_in_ms": 900000, "paid_at": None, "fulfilled_at": None, "closed_at": None, "cancelled_as": None,
    "closed_reason": None, "replayed": 0,
}  # fmt: skip
RECEIPT = {
    "webhook_id": 7, "idempotency_key": "evt_1", "payment_id": "pi_1", "order_id": UUID, "payment_status": "succeeded",
    "outcome": "applied", "reason": None, "payment_state": "paying", "order_status": "paid", "deliveries": 1,
    "replayed": 0,
}  # fmt: skip
HEALTH = {
    "status": "ok", "detail": None, "database_version": "9.7.4", "schema_version": "0009", "event_scheduler": "ON",
    "event_status": "ENABLED", "last_sweep_at": NOON, "sweep_lag_seconds": Decimal("0.250"), "checked_at": NOON,
    "role": "primary", "node": "10.0.0.11:3306", "members_online": 3, "members": 3, "members_behind": 0,
}  # fmt: skip
ROWS = {
    "list_products": PRODUCT, "get_product": PRODUCT, "create_hold": HOLD, "get_hold": HOLD, "release_hold": HOLD,
    "extend_hold": HOLD,
    "create_order": ORDER, "get_order": ORDER, "list_orders": ORDER, "cancel_pending_order": ORDER,
    "fulfil_order": ORDER,
    "receive_payment_webhook": RECEIPT, "health_check": HEALTH,
    "count_refused_webhook": {"reason": "missing_signature", "refusals": 1},
}  # fmt: skip


class RecordingGateway:
    """Answers every CALL with one row, or with an error, and remembers it."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Be as new."""
        self.calls: list[tuple[str, list[Any]]] = []
        self.changes: dict[str, Any] = {}
        self.error: Exception | None = None

    async def call(self, procedure: str, arguments: list[Any]) -> list[dict[str, Any]]:
        self.calls.append((procedure, arguments))
        if self.error:
            raise self.error
        return [ROWS[procedure] | self.changes]


@pytest.fixture(scope="module")
def recording() -> RecordingGateway:
    return RecordingGateway()


@pytest.fixture(scope="module")
def made(recording: RecordingGateway) -> testing.TestClient:
    """Made once: an application takes longer to make than all that a test asks of it."""
    return client_of(recording)


@pytest.fixture
def gateway(recording: RecordingGateway) -> RecordingGateway:
    recording.forget()
    return recording


@pytest.fixture
def client(made: testing.TestClient, gateway: RecordingGateway) -> testing.TestClient:
    """A client whose gateway has heard of nothing yet."""
    return made


def client_of(gateway: RecordingGateway, **settings: Any) -> testing.TestClient:
    """A client of the application. Nobody looks at /metrics or /board here, which want threads."""
    return testing.TestClient(create_app(Gateways(gateway, gateway, gateway), replace(SETTINGS, **settings)))


def post(client: testing.TestClient, path: str, body: Any, **headers: str) -> testing.Result:
    text = body if isinstance(body, bytes | str) else json.dumps(body)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.simulate_post(path, body=text, headers={"Content-Type": "application/json"} | headers)


def assert_problem(result: testing.Result, status: int, slug: str) -> dict[str, Any]:
    assert (result.status_code, result.headers["Content-Type"]) == (status, "application/problem+json"), result.text
    problem = result.json
    kind = PROBLEMS[slug]
    assert problem["type"] == f"/problems/{slug}"
    assert (problem["title"], problem["status"], problem.get("code")) == (kind.title, status, kind.code)
    assert problem["detail"]
    return dict(problem)


# What is asked for, and what is answered


def test_a_hold_is_one_call_and_answers_201_with_its_location(client: Any, gateway: RecordingGateway) -> None:
    result = post(client, "/api/holds", {"product_id": 1, "qty": 2, "customer_id": "ada"}, Idempotency_Key="buy-1")
    assert gateway.calls == [("create_hold", [1, 2, "ada", "buy-1"])]
    assert result.status == falcon.HTTP_201
    assert result.headers["Location"] == f"/api/holds/{UUID}"
    assert "Idempotent-Replayed" not in result.headers
    assert result.json == {
        "hold_id": UUID, "product_id": 1, "qty": 2, "customer_id": None, "unit_price": 4900, "status": "active",
        "created_at": "2026-11-27T12:00:00.000000Z", "expires_at": "2026-11-27T12:00:00.000000Z",
        "expires_in_ms": 120000, "ended_at": None,
    }  # fmt: skip


def test_a_replayed_hold_answers_200_and_says_so(client: Any, gateway: RecordingGateway) -> None:
    gateway.changes = {"replayed": 1}
    result = post(client, "/api/holds", {"product_id": 1, "qty": 2}, Idempotency_Key="buy-1")
    assert (result.status, result.headers["Idempotent-Replayed"]) == (falcon.HTTP_200, "true")
    assert "replayed" not in result.json


def test_a_hold_without_a_key_gets_one_of_its_own_and_is_never_a_replay(client: Any, gateway: RecordingGateway) -> None:
    gateway.changes = {"replayed": 1}
    results = [post(client, "/api/holds", {"product_id": 1, "qty": 2}) for _ in range(2)]
    keys = [arguments[3] for _, arguments in gateway.calls]
    assert keys[0] != keys[1]
    assert all(len(key) == 32 for key in keys)
    assert [result.status for result in results] == [falcon.HTTP_201] * 2
    assert "Idempotent-Replayed" not in results[0].headers


def test_products_are_listed_under_their_name_with_whole_numbers(client: Any) -> None:
    product = client.simulate_get("/api/products").json["products"][0]
    assert (product["available"], product["held"], product["sale_ends_at"]) == (7, 2, None)
    assert product["sale_starts_at"] == "2026-11-27T12:00:00.000000Z"
    assert list(product) == list(PRODUCT)


def test_ids_in_addresses_reach_the_procedure(client: Any, gateway: RecordingGateway) -> None:
    client.simulate_get("/api/products/2147483647")
    client.simulate_get(f"/api/holds/{UUID.upper()}")
    released = client.simulate_delete(f"/api/holds/{UUID}")
    client.simulate_get(f"/api/orders/{UUID}")
    extended = client.simulate_post(f"/api/holds/{UUID}/extension")
    cancelled = client.simulate_post(f"/api/orders/{UUID}/cancellation")
    fulfilled = client.simulate_post(f"/api/orders/{UUID}/fulfilment")
    assert gateway.calls == [
        ("get_product", [2147483647]), ("get_hold", [UUID]), ("release_hold", [UUID]), ("get_order", [UUID]),
        ("extend_hold", [UUID]), ("cancel_pending_order", [UUID]), ("fulfil_order", [UUID]),
    ]  # fmt: skip
    assert {answer.status for answer in (released, extended, cancelled, fulfilled)} == {falcon.HTTP_200}


@pytest.mark.parametrize("path", ["cancellation", "fulfilment"])
def test_an_order_that_was_ended_before_says_so(client: Any, gateway: RecordingGateway, path: str) -> None:
    first = client.simulate_post(f"/api/orders/{UUID}/{path}")
    gateway.changes = {"replayed": 1}
    second = client.simulate_post(f"/api/orders/{UUID}/{path}")
    assert "Idempotent-Replayed" not in first.headers
    assert (second.status, second.headers["Idempotent-Replayed"]) == (falcon.HTTP_200, "true")
    assert first.json == second.json == client.simulate_get(f"/api/orders/{UUID}").json


def test_an_order_answers_201_with_its_location(client: Any, gateway: RecordingGateway) -> None:
    result = post(client, "/api/orders", {"hold_id": UUID.upper()}, Idempotency_Key="k")
    assert gateway.calls == [("create_order", [UUID, "k", None, None])]
    assert (result.status, result.headers["Location"]) == (falcon.HTTP_201, f"/api/orders/{UUID}")


def test_a_webhook_is_passed_on_with_its_text_and_its_time_in_utc(client: Any, gateway: RecordingGateway) -> None:
    text = (
        '{"idempotency_key": "evt_\\u0000\\"😀", "order_id": "O 17", "payment_id": "pi_😀",'
        '"status": "succeeded",  "amount": 9800, "currency": "EUR", "occurred_at": "2026-11-27T14:00:00.5+02:00"}'
    )
    result = post(client, "/api/payments/webhook", text)
    at = "2026-11-27 12:00:00.500000"
    assert gateway.calls == [
        ("receive_payment_webhook", ['evt_\0"😀', "O 17", "pi_😀", "succeeded", 9800, "EUR", at, text]),
    ]  # fmt: skip
    assert result.status == falcon.HTTP_200


@pytest.mark.parametrize(("outcome", "status"), [("parked", 202), ("applied", 200), ("ignored", 200)])
def test_a_parked_webhook_answers_202_and_any_other_200(
    client: Any, gateway: RecordingGateway, outcome: str, status: int
) -> None:
    gateway.changes = {"outcome": outcome, "replayed": 1}
    event = {"idempotency_key": "e", "order_id": UUID, "status": "failed"}
    result = post(client, "/api/payments/webhook", event)
    assert (result.status_code, result.headers["Idempotent-Replayed"]) == (status, "true")


def test_a_stripe_event_is_recognised_by_its_header_and_kept_as_it_was_sent(
    client: Any, gateway: RecordingGateway
) -> None:
    told = succeeded(UUID, 9800, "eur")
    text = json.dumps(told, indent=2)
    post(client, "/api/payments/webhook", text, Stripe_Signature="t=1,v1=0")
    at = "2026-11-27 09:00:00.000000"
    assert gateway.calls == [
        ("receive_payment_webhook", [told["id"], UUID, intent_of(UUID), "succeeded", 9800, "EUR", at, text]),
    ]  # fmt: skip


def test_a_stripe_event_of_another_kind_is_recorded_without_an_order(client: Any, gateway: RecordingGateway) -> None:
    gateway.changes = dict.fromkeys(("payment_id", "order_id", "payment_state", "order_status"))
    gateway.changes |= {"payment_status": "other", "outcome": "ignored"}
    told = succeeded(UUID) | {"type": "customer.created"}
    result = post(client, "/api/payments/webhook", told, Stripe_Signature="t=1,v1=0")
    assert gateway.calls[0][1][:6] == [told["id"], None, None, "other", None, None]
    assert (result.status_code, result.json["order_id"], result.json["outcome"]) == (200, None, "ignored")


@pytest.mark.parametrize(("production", "status"), [(True, "other"), (False, "succeeded")])
def test_only_in_production_a_payment_of_test_mode_moves_nothing(
    gateway: RecordingGateway, production: bool, status: str
) -> None:
    shop = client_of(gateway, production=production)
    post(shop, "/api/payments/webhook", succeeded(UUID, live=False), Stripe_Signature="t=1,v1=0")
    assert gateway.calls[0][1][3] == status


@pytest.mark.parametrize(
    "names", [{"order_id": "17"}, {"payment_id": "pi_1"}, {"order_id": "17", "payment_id": "pi_1"}]
)
def test_an_event_names_its_order_or_its_payment(client: Any, gateway: RecordingGateway, names: dict[str, str]) -> None:
    event = {"idempotency_key": "e", "status": "refunded"}
    assert post(client, "/api/payments/webhook", event | names).status == falcon.HTTP_200
    assert gateway.calls[0][1][1:3] == [names.get("order_id"), names.get("payment_id")]


@pytest.mark.parametrize("names", [{}, {"order_id": None}, {"payment_id": None, "order_id": None}])
def test_only_an_event_that_moves_nothing_may_name_neither(
    client: Any, gateway: RecordingGateway, names: dict[str, None]
) -> None:
    event = {"idempotency_key": "e", "status": "succeeded"} | names
    problem = assert_problem(post(client, "/api/payments/webhook", event), 422, "invalid_argument")
    assert problem["errors"] == [
        {"field": "order_id", "detail": "is missing; an event names its order or, in payment_id, its payment"}
    ]
    assert not gateway.calls
    assert post(client, "/api/payments/webhook", event | {"status": "other"}).status == falcon.HTTP_200


def test_a_stripe_event_that_is_not_utf8_is_refused(client: Any, gateway: RecordingGateway) -> None:
    body = json.dumps(succeeded(UUID) | {"api_version": "X"}).encode().replace(b"X", b"\xff")
    assert_problem(post(client, "/api/payments/webhook", body, Stripe_Signature="t=1,v1=0"), 400, "invalid_json")
    assert not gateway.calls


@pytest.mark.parametrize("counted", [True, False])
def test_an_unsigned_webhook_is_a_401_and_counted_if_that_can_be(
    gateway: RecordingGateway, caplog: pytest.LogCaptureFixture, counted: bool
) -> None:
    gateway.error = None if counted else UnavailableError("The database can't be reached.")
    strict = client_of(gateway, secrets={"standard": (STANDARD_SECRET,)})
    result = post(strict, "/api/payments/webhook", "{")
    problem = assert_problem(result, 401, "signature_invalid")
    assert result.headers["WWW-Authenticate"] == 'Webhook-Signature realm="payments"'
    assert "missing" in problem["detail"]
    assert gateway.calls == [("count_refused_webhook", ["missing_signature"])]
    assert ("missing_signature" in caplog.text) is not counted


def test_head_answers_like_get_and_options_names_the_methods(client: Any) -> None:
    head = client.simulate_head("/api/products/1")
    assert (head.status, head.text) == (falcon.HTTP_200, "")
    assert client.simulate_options(f"/api/holds/{UUID}").headers["Allow"] == "DELETE, GET, HEAD"


# Health


def test_the_process_is_alive_whatever_mysql_does(client: Any, gateway: RecordingGateway) -> None:
    gateway.error = UnavailableError("down")
    assert client.simulate_get("/healthz").json == {"status": "alive"}
    assert not gateway.calls


@pytest.mark.parametrize("status", ["ok", "degraded"])
def test_the_api_is_ready_while_mysql_answers(client: Any, gateway: RecordingGateway, status: str) -> None:
    gateway.changes = {"status": status}
    result = client.simulate_get("/readyz")
    assert (result.status_code, result.json["status"], result.json["sweep_lag_seconds"]) == (200, status, 0.25)


@pytest.mark.parametrize(
    "error", [UnavailableError("down"), ProcedureError("health_check", 1146, "42S02", "Table 'x' doesn't exist")]
)
def test_the_api_is_not_ready_when_mysql_does_not_answer(
    client: Any, gateway: RecordingGateway, error: Exception
) -> None:
    gateway.error = error
    result = client.simulate_get("/readyz")
    assert_problem(result, 503, "service_unavailable")
    assert result.headers["Retry-After"] == "1"


def test_the_api_is_not_ready_when_mysql_says_so(client: Any, gateway: RecordingGateway) -> None:
    gateway.changes = {"status": "unable", "detail": "read_only is ON"}
    problem = assert_problem(client.simulate_get("/readyz"), 503, "service_unavailable")
    assert problem["detail"] == "The database reports unable: read_only is ON."


# Refusals


@pytest.mark.parametrize("kind", [kind for kind in PROBLEMS.values() if kind.code], ids=lambda kind: kind.slug)
def test_every_signal_becomes_its_problem(client: Any, gateway: RecordingGateway, kind: Any) -> None:
    gateway.error = ProcedureError("create_hold", kind.code, f"45{kind.status}", f"{kind.slug}: do this: or that")
    problem = assert_problem(post(client, "/api/holds", {"product_id": 1, "qty": 1}), kind.status, kind.slug)
    assert problem["detail"] == "do this: or that"


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("sale_not_started: it starts at 2026-11-27 12:00; retry after 90 s", 90),
        ("sale_not_started: later; retry after 31536000 s", 31_536_000),
        ("sale_not_started: it starts when it starts", None),
        ("sale_not_started: retry after a while", None),
        ("sale_not_started: retry after 5 s or more", None),
    ],
)
def test_a_refusal_that_ends_by_itself_says_when_in_header_and_document(
    client: Any, gateway: RecordingGateway, message: str, seconds: int | None
) -> None:
    gateway.error = ProcedureError("create_hold", 31104, "45409", message)
    result = post(client, "/api/holds", {"product_id": 1, "qty": 1})
    problem = assert_problem(result, 409, "sale_not_started")
    assert (result.headers.get("Retry-After"), problem.get("retry_after")) == (seconds and str(seconds), seconds)


@pytest.mark.parametrize(
    ("errno", "sqlstate"), [(31999, "45409"), (31101, "45404"), (1644, "45000"), (1062, "23000"), (1054, "42S22")]
)
def test_what_nobody_expected_is_a_500_that_tells_the_log_and_not_the_client(
    client: Any, gateway: RecordingGateway, caplog: pytest.LogCaptureFixture, errno: int, sqlstate: str
) -> None:
    message = "Duplicate entry 'ada's key' for key 'holds.uq_holds_idempotency_key'"
    gateway.error = ProcedureError("create_hold", errno, sqlstate, message)
    result = post(client, "/api/holds", {"product_id": 1, "qty": 1})
    assert_problem(result, 500, "internal_error")
    assert "holds" not in result.text
    assert f"CALL create_hold failed: errno {errno}, SQLSTATE {sqlstate}" in caplog.text
    assert "holds.uq_holds_idempotency_key" in caplog.text
    assert "ada" not in caplog.text


def test_a_fault_in_the_api_is_a_500_and_a_log_line(
    client: Any, gateway: RecordingGateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.error = KeyError("expires_at")
    assert_problem(client.simulate_get(f"/api/holds/{UUID}"), 500, "internal_error")
    assert "GET /api/holds/{hold_id} failed" in caplog.text


def test_an_unreachable_database_is_a_503_with_retry_after(client: Any, gateway: RecordingGateway) -> None:
    gateway.error = UnavailableError("The database can't be reached.")
    result = client.simulate_get("/api/products")
    assert_problem(result, 503, "service_unavailable")
    assert result.headers["Retry-After"] == "1"


# Bad input


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"qty=1", b'{"product_id":1,"qty":NaN}', b'{"product_id":1,"qty":1} x',
        b'\xef\xbb\xbf{"product_id":1,"qty":1}', b'{"product_id":1,"qty":1,"customer_id":"\xff"}',
        b'{"product_id":1,"qty":1,"customer_id":"\\ud800"}', b'{"a":' + b"[" * 30000,
        b'{"product_id":1,"qty":1,"customer_id":"a\nb"}', b'{"product_id":01,"qty":1}', b'{"qty":1e999,"product_id":1}',
        b'{"product_id":1,"qty":' + b"1" * 5000 + b"}",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(client: Any, gateway: RecordingGateway, body: bytes) -> None:
    assert_problem(post(client, "/api/holds", body), 400, "invalid_json")
    assert not gateway.calls


INTEGER = "must be an integer from 1 to 2147483647"


@pytest.mark.parametrize(
    ("path", "body", "field", "allowed"),
    [
        ("/api/holds", "[]", "body", "must be a JSON object"),
        ("/api/holds", "7", "body", "must be a JSON object"),
        ("/api/holds", {}, "product_id", f"is missing; it {INTEGER}"),
        ("/api/holds", {"product_id": 1}, "qty", f"is missing; it {INTEGER}"),
        *(
            ("/api/holds", {"product_id": 1, "qty": qty}, "qty", INTEGER)
            for qty in (0, -1, 1.5, 1.0, "1", True, None, [1], {}, 2**31, 10**30, -(10**30))
        ),
        ("/api/holds", {"product_id": "1", "qty": 1}, "product_id", INTEGER),
        ("/api/holds", {"product_id": 0, "qty": 1}, "product_id", INTEGER),
        ("/api/holds", {"product_id": 1, "qty": 1, "colour": "red"}, "colour", "product_id, qty, customer_id"),
        ("/api/holds", {"product_id": 1, "qty": 1, "a\0": 1}, "a\0", "product_id, qty, customer_id"),
        ("/api/holds", {"product_id": 1, "qty": 1, "customer_id": ""}, "customer_id", "1 to 128 characters"),
        ("/api/holds", {"product_id": 1, "qty": 1, "customer_id": "é" * 129}, "customer_id", "1 to 128 characters"),
        ("/api/holds", {"product_id": 1, "qty": 1, "customer_id": 5}, "customer_id", "1 to 128 characters"),
        ("/api/holds", '{"product_id":1,"qty":1,"qty":2}', "qty", "more than once"),
        ("/api/holds", '{"product_id":1,"qty":1,"q\\u0074y":1}', "qty", "more than once"),
        ("/api/orders", {"hold_id": "x"}, "hold_id", "must be a UUID of 36 characters"),
        ("/api/orders", {"hold_id": UUID + "\n"}, "hold_id", "must be a UUID of 36 characters"),
        ("/api/orders", {"hold_id": None}, "hold_id", "must be a UUID of 36 characters"),
        ("/api/payments/webhook", {"order_id": UUID, "status": "failed"}, "idempotency_key", "is missing"),
    ],
)
def test_a_wrong_body_is_refused_naming_the_field_and_what_is_allowed(
    client: Any, gateway: RecordingGateway, path: str, body: Any, field: str, allowed: str
) -> None:
    problem = assert_problem(post(client, path, body), 422, "invalid_argument")
    details = {error["field"]: error["detail"] for error in problem["errors"]}
    assert allowed in details[field]
    assert field in problem["detail"]
    assert not gateway.calls


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("idempotency_key", "", "1 to 255 characters"),
        ("idempotency_key", "x" * 256, "1 to 255 characters"),
        *(("order_id", name, "1 to 255 characters") for name in ("", "x" * 256, 17, [UUID])),
        *(("payment_id", name, "1 to 255 characters") for name in ("", "x" * 256, 17)),
        ("status", "paid", "succeeded, declined, failed, refunded, refund_failed, dispute_opened, dispute_won,"),
        ("amount", -1, "minor units"),
        ("amount", 49.5, "minor units"),
        ("amount", 2**63, "minor units"),
        ("currency", "eur", "ISO 4217"),
        ("currency", "EUR\n", "ISO 4217"),
        ("occurred_at", "2026-11-27T12:00:00", "with an offset"),
        ("occurred_at", "27.11.2026", "with an offset"),
        ("occurred_at", 1795521600, "with an offset"),
        ("occurred_at", "0999-12-31T23:59:59Z", "years 1000 to 9999"),
        ("occurred_at", "1000-01-01T00:00:00+01:00", "years 1000 to 9999"),
        ("occurred_at", "9999-12-31T23:59:59-01:00", "years 1000 to 9999"),
    ],
)
def test_a_wrong_webhook_is_refused(
    client: Any, gateway: RecordingGateway, field: str, value: Any, allowed: str
) -> None:
    event = {"idempotency_key": "e", "order_id": UUID, "status": "succeeded", field: value}
    problem = assert_problem(post(client, "/api/payments/webhook", event), 422, "invalid_argument")
    assert problem["errors"][0]["field"] == field
    assert allowed in problem["errors"][0]["detail"]
    assert not gateway.calls


def test_every_wrong_field_is_named_at_once(client: Any) -> None:
    problem = assert_problem(post(client, "/api/holds", {"qty": 0, "x": 1}), 422, "invalid_argument")
    assert [error["field"] for error in problem["errors"]] == ["product_id", "qty", "x"]


@pytest.mark.parametrize(
    ("path", "slug", "field"),
    [
        *((f"/api/products/{text}", "product_not_found", "product_id") for text in
          ("0", "-1", "1.0", "abc", "2147483648", "99999999999999999999", "%D9%A1", "1%00", "1%0A")),
        ("/api/holds/1", "hold_not_found", "hold_id"),
        (f"/api/holds/{UUID}%0A", "hold_not_found", "hold_id"),
        (f"/api/holds/{{{UUID}}}", "hold_not_found", "hold_id"),
        ("/api/orders/%F0%9F%98%80", "order_not_found", "order_id"),
    ],
)  # fmt: skip
def test_a_malformed_id_in_an_address_is_not_found(
    client: Any, gateway: RecordingGateway, path: str, slug: str, field: str
) -> None:
    problem = assert_problem(client.simulate_get(path), 404, slug)
    assert problem["errors"][0]["field"] == field
    assert "must be" in problem["detail"]
    assert not gateway.calls


@pytest.mark.parametrize("path", ["/shop", "/api", "/api/product", f"/api/holds/{UUID}/x"])
def test_an_unknown_address_is_not_found(client: Any, path: str) -> None:
    assert_problem(client.simulate_get(path), 404, "not_found")


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "SELL"])
def test_a_wrong_method_is_refused_naming_the_right_ones(client: Any, gateway: RecordingGateway, method: str) -> None:
    result = client.simulate_request(method, "/api/holds")
    problem = assert_problem(result, 405, "method_not_allowed")
    assert result.headers["Allow"] == "POST, OPTIONS"
    assert "POST" in problem["detail"]
    assert not gateway.calls


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_a_body_of_another_type_is_refused(client: Any, gateway: RecordingGateway, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    result = client.simulate_post("/api/holds", body='{"product_id":1,"qty":1}', headers=headers)
    assert_problem(result, 415, "unsupported_media_type")
    assert not gateway.calls


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'])
def test_utf8_may_be_named(client: Any, content_type: str) -> None:
    result = post(client, "/api/holds", {"product_id": 1, "qty": 1}, Content_Type=content_type)
    assert result.status == falcon.HTTP_201


def test_a_body_may_have_64_kib_and_no_more(client: Any, gateway: RecordingGateway) -> None:
    body = '{"product_id":1,"qty":1}'
    assert post(client, "/api/holds", body.ljust(65536)).status == falcon.HTTP_201
    gateway.calls.clear()
    assert_problem(post(client, "/api/holds", body.ljust(65537)), 413, "payload_too_large")
    assert not gateway.calls


def test_a_payment_event_may_have_1_mib_and_no_more(client: Any, gateway: RecordingGateway) -> None:
    body = json.dumps({"idempotency_key": "e", "order_id": UUID, "status": "declined"})
    assert post(client, "/api/payments/webhook", body.ljust(2**20)).status == falcon.HTTP_200
    gateway.calls.clear()
    problem = assert_problem(post(client, "/api/payments/webhook", body.ljust(2**20 + 1)), 413, "payload_too_large")
    assert "1048576" in problem["detail"]
    assert not gateway.calls


# Idempotency keys


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("buy-1", "buy-1"),
        ('"buy-1"', "buy-1"),
        (r'"a\"b\\c"', r'a"b\c'),
        ("it's 100% \\ done", "it's 100% \\ done"),
        ('say "hi"', 'say "hi"'),
        ("x" * 255, "x" * 255),
        ("😀".encode().decode("latin-1"), "😀"),
        (('"' + "é" * 255 + '"').encode().decode("latin-1"), "é" * 255),
    ],
)
def test_a_key_is_accepted_bare_or_quoted(client: Any, gateway: RecordingGateway, header: str, key: str) -> None:
    result = simulate_with_key(client, header)
    assert result.status == falcon.HTTP_201
    assert gateway.calls[0][1][3] == key


@pytest.mark.parametrize(
    "header",
    ["", '""', "x" * 256, '"open', '"a"b"', '"a";v=1', r'"a\b"', "é", ("é" * 256).encode().decode("latin-1")],
)
def test_a_key_that_is_empty_too_long_or_broken_is_refused(client: Any, gateway: RecordingGateway, header: str) -> None:
    problem = assert_problem(simulate_with_key(client, header), 422, "invalid_argument")
    assert problem["errors"][0]["field"] == "Idempotency-Key"
    assert "must be" in problem["detail"]
    assert not gateway.calls


def simulate_with_key(client: testing.TestClient, header: str) -> testing.Result:
    """With the header as its bytes read as latin-1."""
    return post(client, "/api/holds", {"product_id": 1, "qty": 1}, Idempotency_Key=header)
