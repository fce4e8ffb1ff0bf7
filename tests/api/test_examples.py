"""Whatever the OpenAPI document shows is what the service does: its examples are sent and compared."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from api.openapi import make_document
from api.openapi.examples import example_of
from api.openapi.operation_texts import (
    EVENT_KEY,
    HOLD_ID,
    HOLD_KEY,
    NEWER_ID,
    OPERATION_TEXTS,
    ORDER_KEY,
    PAYMENT_ID,
    PRODUCT_ID,
    REFERENCE,
    TAGS,
)
from api.problem_kinds import PROBLEMS
from api.routes import ROUTES
from tests.support.buyer import PROBLEM_JSON, Buyer, problem_of
from tests.support.database import Database
from tests.support.sale import hold, new_key, new_product, order, pay
from tests.support.service import Service, free_port
from tests.support.waiting import wait_until

JSON = dict[str, Any]
DOCUMENT: JSON = json.loads(json.dumps(make_document(ROUTES)))
OPERATIONS: dict[str, tuple[str, str, JSON]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}
SUCCESSES = [
    (name, example, int(status))
    for name, (_, _, operation) in OPERATIONS.items()
    for status, answer in operation["responses"].items()
    for media_type, content in answer["content"].items()
    if media_type != PROBLEM_JSON
    for example in content["examples"]
]
# What differs from run to run: moments, and numbers that the database gives.
OF_THE_MOMENT = frozenset(
    {"created_at", "expires_at", "ended_at", "pay_by", "paid_at", "closed_at", "checked_at", "last_sweep_at"}
    | {
        "expires_in_ms",
        "pay_in_ms",
        "fulfilled_at",
        "sweep_lag_seconds",
        "node",
        "webhook_id",
        "database_version",
        "schema_version",
        "paths",
    }
)


def validator(schema: JSON) -> Draft202012Validator:
    """Validates against a schema of the document, with formats."""
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": DOCUMENT["components"]}
    return Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)


def parameters(operation: JSON, example: str) -> dict[tuple[str, str], Any]:
    """The values of an example by (where, name)."""
    return {
        (parameter["in"], parameter["name"]): parameter["examples"][example]["value"]
        for parameter in operation.get("parameters", [])
        if example in parameter.get("examples", {})
    }


def body(operation: JSON, example: str) -> JSON | None:
    """The body of an example, if the operation takes one."""
    content = operation.get("requestBody", {"content": {}})["content"].get("application/json")
    return content["examples"][example]["value"] if content else None


# --- the document is complete


@pytest.mark.parametrize("name", OPERATIONS)
def test_everything_in_the_document_is_described_and_has_an_example(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    assert operation["summary"]
    assert len(operation["description"]) > 20
    assert operation["tags"][0] in TAGS
    for parameter in operation.get("parameters", []):
        assert parameter["description"], parameter["name"]
        assert parameter["examples"], parameter["name"]
    if "requestBody" in operation:
        assert operation["requestBody"]["description"]
        assert operation["requestBody"]["content"]["application/json"]["examples"]
    for status, answer in operation["responses"].items():
        assert len(answer["description"]) > 4, status
        for content in answer["content"].values():
            assert content["examples"], status
        for header in answer.get("headers", {}).values():
            assert header["description"]
            assert "example" in header


def test_every_success_that_makes_or_shows_something_leads_on() -> None:
    leaves = {"health_check", "is_alive", "get_openapi"}
    for name in OPERATIONS.keys() & OPERATION_TEXTS.keys():
        operation = OPERATIONS[name][2]
        for status, answer in operation["responses"].items():
            assert bool(answer.get("links")) == (status.startswith("2") and name not in leaves), (name, status)
            for link in answer.get("links", {}).values():
                assert link["operationId"] in OPERATIONS
                assert link["description"]


def test_an_operation_without_a_text_has_its_summary_and_an_example_of_its_shapes() -> None:
    [route] = [route for route in ROUTES if route.procedure == "create_hold"]
    assert "reserve_units" not in OPERATION_TEXTS

    operation = make_document([replace(route, procedure="reserve_units")])["paths"][route.path]["post"]

    assert operation["description"] == f"{route.summary}."
    contents = [operation["requestBody"]["content"], operation["responses"]["201"]["content"]]
    for content, shape in zip(contents, (route.body, route.answer), strict=True):
        [example] = content["application/json"]["examples"].values()
        assert example["value"] == example_of(shape)


def test_every_problem_has_its_words() -> None:
    for slug, kind in PROBLEMS.items():
        assert min(len(kind.meaning), len(kind.action), len(kind.example)) > 15, slug


def test_every_example_fits_its_schema() -> None:
    checked = 0
    for _, _, operation in OPERATIONS.values():
        contents = [content for answer in operation["responses"].values() for content in answer["content"].values()]
        contents += operation.get("requestBody", {"content": {}})["content"].values()
        contents += operation.get("parameters", [])
        for content in contents:
            for example in content["examples"].values():
                validator(content["schema"]).validate(example["value"])
                checked += 1
    assert checked > 100


# --- its examples are what happens


class ExampleSale:
    """A sale in which the ids and keys of the examples stand for real ones."""

    def __init__(self, db: Database) -> None:
        self.db = db
        row = db.one(
            "create_product", "Limited sneaker", 12900, "EUR", 100, 6, None, None, None, None, None, None,
        )  # fmt: skip
        self.product = row["product_id"]
        self.real: dict[Any, Any] = {PRODUCT_ID: self.product}
        self.real |= {key: new_key() for key in (HOLD_KEY, ORDER_KEY, EVENT_KEY, PAYMENT_ID, REFERENCE)}
        self.real |= {0: self.product - 1, NEWER_ID: "ffffffff-ffff-7fff-bfff-ffffffffffff"}  # where pages begin

    def held(self) -> None:
        """There is a hold."""
        self.real[HOLD_ID] = hold(self.db, self.product, 2, "ada")

    def ordered(self) -> None:
        """There is an order."""
        self.held()
        self.db.one("create_order", self.real[HOLD_ID], None, self.real[REFERENCE], '{"cart": 81}')

    def paid(self) -> None:
        """There is a paid order."""
        self.ordered()
        pay(self.db, self.real[HOLD_ID], "succeeded", 25800, "EUR")

    def extendable(self) -> None:
        """There is a hold of a product that lets it be extended by a minute."""
        self.db.one("set_limits", self.product, extension_seconds=60, reason="the test extends a hold")
        self.held()

    def translate(self, value: Any) -> Any:
        """The same with the real ids and keys."""
        if isinstance(value, dict):
            return {
                name: self.translate(part) if name == "product_id" or isinstance(part, dict | str) else part
                for name, part in value.items()
            }
        return self.real.get(value, value)


BEFORE: dict[tuple[str, str], Callable[[ExampleSale], None]] = {
    ("get_hold", "hold"): ExampleSale.held,
    ("release_hold", "released"): ExampleSale.held,
    ("extend_hold", "extended"): ExampleSale.extendable,
    ("create_order", "made"): ExampleSale.held,
    ("create_order", "repeated"): ExampleSale.held,
    ("list_orders", "found"): ExampleSale.ordered,
    ("list_orders", "page"): ExampleSale.ordered,
    ("get_order", "pending"): ExampleSale.ordered,
    ("get_order", "paid"): ExampleSale.paid,
    ("cancel_pending_order", "cancelled"): ExampleSale.ordered,
    ("fulfil_order", "fulfilled"): ExampleSale.paid,
    ("receive_payment_webhook", "applied"): ExampleSale.ordered,
    ("receive_payment_webhook", "stripe"): ExampleSale.ordered,
    ("receive_payment_webhook", "parked"): ExampleSale.held,
}


@pytest.mark.parametrize(("name", "example", "status"), SUCCESSES)
def test_a_request_of_the_document_is_answered_as_the_document_says(
    http: httpx.Client, db: Database, name: str, example: str, status: int
) -> None:
    shop = ExampleSale(db)
    BEFORE.get((name, example), lambda shop: None)(shop)
    if example == "repeated":
        assert send(http, shop, name, "made").status_code == 201

    answer = send(http, shop, name, example)

    assert answer.status_code == status
    response = OPERATIONS[name][2]["responses"][str(status)]
    shown = response["content"]["application/json"]
    validator(shown["schema"]).validate(answer.json())
    expected, found = shown["examples"][example]["value"], answer.json()
    for rows in ("products", "orders"):
        if rows in expected:
            assert found.keys() == expected.keys()
            [expected], [found] = expected[rows], [row for row in found[rows] if row["product_id"] == shop.product]
    if name != "get_openapi":
        assert found.keys() == expected.keys()
        assert {key for key, value in found.items() if value is None} == {
            key for key, value in expected.items() if value is None
        }
        assert steady(found) == steady(shop.translate(expected))
    if status == 201:
        assert answer.headers["location"].endswith(f"/{shop.real.get(HOLD_ID) or found['hold_id']}")
    assert ("idempotent-replayed" in answer.headers) == (example == "repeated")


def send(http: httpx.Client, shop: ExampleSale, name: str, example: str) -> httpx.Response:
    """Send an example's request, with the ids and keys of the shop."""
    method, path, operation = OPERATIONS[name]
    headers, query = {}, {}
    for (where, parameter), value in parameters(operation, example).items():
        if where == "path":
            path = path.replace(f"{{{parameter}}}", str(shop.translate(value)))
        elif where == "query":
            query[parameter] = str(shop.translate(value))
        else:
            headers[parameter] = str(shop.translate(value))
    return http.request(method, path, json=shop.translate(body(operation, example)), headers=headers, params=query)


def steady(document: JSON) -> JSON:
    """What is the same in every run; the id of a hold that was just made is not."""
    made = {"hold_id", "order_id"} if document.get("status") == "active" else set()
    return {name: value for name, value in document.items() if name not in OF_THE_MOMENT | made}


# --- its problems are what is answered


def raw(service: Service, request: bytes) -> httpx.Response:
    """Send bytes that no client library would send."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, content = answer.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    return httpx.Response(
        int(line.split()[1]), headers=[tuple(field.split(": ", 1)) for field in fields], content=content
    )


HEAD = b"POST /api/holds HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Type: application/json\r\n"
Provoke = Callable[["Provocation"], httpx.Response]


class Provocation:
    """Everything it takes to make the service refuse."""

    def __init__(self, service: Service, db: Database, api_url: str, log: Path) -> None:
        self.service = service
        self.api_url = api_url
        self.log = log
        self.db = db
        self.buyer = Buyer(service.url)

    def product(self, stock: int = 5, **rules: Any) -> int:
        """A product with these rules."""
        return new_product(self.db, stock, **rules)

    def hold(self, product: int, **more: Any) -> httpx.Response:
        """Try to hold a unit."""
        return self.buyer.hold(product, **more)

    def used(self, end: Callable[[str], object]) -> httpx.Response:
        """Order a hold after something ended it."""
        hold_id = hold(self.db, self.product())
        end(hold_id)
        return self.buyer.order(hold_id)

    def same_reference(self) -> httpx.Response:
        """Give two orders one reference."""
        product = self.product()
        for _ in range(2):
            body = {"hold_id": hold(self.db, product), "reference": f"shop-{product}"}
            answer = self.buyer.post("/api/orders", body, new_key())
        return answer

    def expired(self) -> httpx.Response:
        """Order a hold that expired a moment ago."""
        product = self.product()
        self.db.travel(-121)  # a hold lives for 120 s
        hold_id = hold(self.db, product)
        self.db.come_back()
        return self.buyer.order(hold_id)

    def limited(self) -> httpx.Response:
        """One unit more than the customer may have."""
        product = self.product(max_per_customer=1)
        self.hold(product, customer="ada")
        return self.hold(product, customer="ada")

    def reused(self) -> httpx.Response:
        """The same key for something else."""
        product, key = self.product(), new_key()
        self.hold(product, key=key)
        return self.hold(product, qty=2, key=key)

    def restricted(self, max_unpaid_percent: int | None = None, pause_seconds: int | None = None) -> httpx.Response:
        """A customer whose first hold ran out is back, with another one that is not paid."""
        product = self.product(hold_seconds=1 if pause_seconds else None)
        self.db.one(
            "set_limits",
            product,
            max_unpaid_percent=max_unpaid_percent,
            pause_seconds=pause_seconds,
            reason="the test restricts it",
        )
        expires_at = self.hold(product, customer="ada").json()["expires_at"]
        if pause_seconds:
            wait_until(lambda: f"{self.db.now().isoformat()}Z" > expires_at)
        return self.hold(product, customer="ada")

    def unsigned(self) -> httpx.Response:
        """An event without a signature, where one is asked for."""
        secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        service = Service(self.api_url, self.log, FLASHSALE_WEBHOOK_SECRETS=secret)
        try:
            with Buyer(service.url) as provider:
                return provider.pay(new_key())
        finally:
            service.stop()

    def locked_out(self) -> httpx.Response:
        """A service that asks for a key."""
        locked = Service(self.api_url, self.log, FLASHSALE_API_KEYS="0" * 64)
        try:
            return httpx.get(f"{locked.url}/api/products")
        finally:
            locked.stop()

    def paid(self) -> httpx.Response:
        """Cancel an order that is paid."""
        order_id = order(self.db, self.product())
        self.buyer.pay(order_id)
        return self.buyer.request("POST", f"/api/orders/{order_id}/cancellation")

    def late(self) -> httpx.Response:
        """A sale that is over."""
        now = self.db.now()
        return self.hold(self.product(sale_ends_at=now - timedelta(hours=1)))

    def early(self) -> httpx.Response:
        """A sale that has not begun."""
        now = self.db.now()
        return self.hold(self.product(sale_starts_at=now + timedelta(hours=1)))

    def paused(self) -> httpx.Response:
        """A sale that is paused."""
        product = self.product(stock=1)
        self.db.one("pause_sale", product, "the shop is down")
        return self.hold(product)


PROVOCATIONS: dict[str, Provoke] = {
    "product_not_found": lambda it: it.buyer.get("/api/products/2000000000"),
    "hold_not_found": lambda it: it.buyer.get(f"/api/holds/{new_key()}"),
    "order_not_found": lambda it: it.buyer.get(f"/api/orders/{new_key()}"),
    "sold_out": lambda it: it.hold(it.product(stock=0)),
    "hold_already_used": lambda it: it.used(it.buyer.order),
    "customer_limit_reached": Provocation.limited,
    "sale_not_started": Provocation.early,
    "sale_ended": Provocation.late,
    "sale_paused": Provocation.paused,
    "hold_expired": Provocation.expired,
    "hold_released": lambda it: it.used(it.buyer.release),
    "invalid_argument": lambda it: it.hold(1, qty=0),
    "quantity_above_limit": lambda it: it.hold(it.product(stock=50), qty=11),
    "idempotency_key_reused": Provocation.reused,
    "malformed_request": lambda it: raw(it.service, HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"),
    "invalid_json": lambda it: it.buyer.request("POST", "/api/holds", b"", **{"Content-Type": "application/json"}),
    "not_found": lambda it: it.buyer.get("/api/hold"),
    "method_not_allowed": lambda it: it.buyer.request("PUT", "/api/holds"),
    "request_timeout": lambda it: raw(it.service, b"POST /api/holds HTTP/1.1\r\nHost: "),
    "payload_too_large": lambda it: it.buyer.request(
        "POST", "/api/holds", b" " * 70000, **{"Content-Type": "application/json"}
    ),
    "uri_too_long": lambda it: raw(it.service, b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: shop\r\n\r\n"),
    "unsupported_media_type": lambda it: it.buyer.request("POST", "/api/holds", b"{}", **{"Content-Type": "text/xml"}),
    "expectation_failed": lambda it: raw(it.service, HEAD + b"Expect: a miracle\r\nContent-Length: 0\r\n\r\n"),
    "headers_too_large": lambda it: raw(it.service, HEAD + b"X: y\r\n" * 100 + b"\r\n"),
    "unpaid_limit_reached": lambda it: it.restricted(max_unpaid_percent=1),
    "customer_paused": lambda it: it.restricted(pause_seconds=3600),
    "order_not_cancellable": Provocation.paid,
    "order_not_fulfillable": lambda it: it.buyer.request(
        "POST", f"/api/orders/{order(it.db, it.product())}/fulfilment"
    ),
    "extension_not_allowed": lambda it: it.buyer.request("POST", f"/api/holds/{hold(it.db, it.product())}/extension"),
    "reference_taken": Provocation.same_reference,
    "signature_invalid": Provocation.unsigned,
    "unauthorized": Provocation.locked_out,
    "not_implemented": lambda it: raw(it.service, HEAD + b"Transfer-Encoding: rot13, chunked\r\n\r\n0\r\n\r\n"),
}
DOCUMENTED = {
    slug: content["examples"][slug]["value"]
    for _, _, operation in OPERATIONS.values()
    for response in operation["responses"].values()
    for media_type, content in response["content"].items()
    if media_type == PROBLEM_JSON
    for slug in content["examples"]
}
# No operation answers these: they come before there is one.
BEFORE_AN_OPERATION = frozenset({"not_found", "method_not_allowed", "expectation_failed", "not_implemented"})
# A bug if it happens; and a service without its database, which has a test of its own.
NOT_AT_WILL = frozenset({"internal_error", "service_unavailable"})
# Only procedures that no operation calls.
OF_THE_OPERATOR = frozenset(PROBLEMS) - DOCUMENTED.keys() - BEFORE_AN_OPERATION


@pytest.fixture
def provocation(service: Service, db: Database, api_url: str, tmp_path: Path) -> Iterator[Provocation]:
    """Someone to provoke."""
    it = Provocation(service, db, api_url, tmp_path / "gunicorn.log")
    yield it
    it.buyer.close()


def words(detail: str) -> str:
    """A detail without its figures."""
    return re.sub("[0-9]+", "0", detail)


@pytest.mark.parametrize("slug", sorted(DOCUMENTED.keys() - NOT_AT_WILL | BEFORE_AN_OPERATION))
def test_a_problem_of_the_document_is_what_is_answered(provocation: Provocation, slug: str) -> None:
    answer = PROVOCATIONS[slug](provocation)

    assert problem_of(answer) == slug
    shown = DOCUMENTED.get(slug) or page_example(provocation, slug)
    validator({"$ref": "#/components/schemas/ProblemDocument"}).validate(answer.json())
    varying = {"detail": "", "retry_after": 0}
    assert answer.json() | varying == shown | varying
    assert words(answer.json()["detail"]) == words(shown["detail"])


def page_example(provocation: Provocation, slug: str) -> JSON:
    """The example on the problem's page."""
    page = provocation.buyer.get(f"/problems/{slug}").text
    document: JSON = json.loads(page.partition("<pre><code>")[2].partition("</code></pre>")[0])
    return document


def test_only_problems_of_the_operator_are_in_no_operation() -> None:
    codes = {PROBLEMS[slug].code for slug in OF_THE_OPERATOR}
    assert None not in codes


def test_a_service_without_its_database_answers_as_the_document_says(tmp_path: Path) -> None:
    nowhere = f"mysql://flashsale_api:password@127.0.0.1:{free_port()}/flashsale"
    service = Service(nowhere, tmp_path / "gunicorn.log")
    try:
        answer = httpx.get(f"{service.url}/api/products", verify=False)
    finally:
        service.stop()

    shown = OPERATIONS["list_products"][2]["responses"]["503"]
    assert answer.json() == shown["content"][PROBLEM_JSON]["examples"]["service_unavailable"]["value"]
    assert answer.headers["retry-after"] == str(shown["headers"]["Retry-After"]["example"])
