"""Bad bodies: each is answered with a problem that names what is wrong and what is allowed, and changes nothing."""

from collections.abc import Iterator

import httpx
import pytest

from sql.server.private import PrivateServer
from tests.support.buyer import problem_of
from tests.support.database import Database
from tests.support.sale import footprint, new_product, stock
from tests.support.service import Service

JSON_TYPE = {"Content-Type": "application/json"}
WHOLE_NUMBER = "integer from 1 to 2147483647"
UUID = "UUID of 36 characters"
HOLD, ORDER, EVENT = "/api/holds", "/api/orders", "/api/payments/webhook"
AN_ID = "019378d2-8c1a-7c3e-9b57-2f60c1d1a001"
STATUSES = "succeeded, declined, failed, refunded, refund_failed, dispute_opened, dispute_won, dispute_lost, other"


@pytest.fixture(scope="module")
def db(mysql_server: PrivateServer) -> Iterator[Database]:
    """One session for all of these: none of them changes anything."""
    with Database(mysql_server.admin_url()) as session:
        yield session


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[httpx.Client]:
    """One client for all of these."""
    with httpx.Client(base_url=service.url, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def product(db: Database) -> int:
    """Nine units on sale, three a hold."""
    return new_product(db, 9, max_per_hold=3)


@pytest.fixture(autouse=True)
def _nothing_changes(db: Database, product: int) -> Iterator[None]:
    """Whatever was sent, all is as it was."""
    before = footprint(db)
    yield
    assert footprint(db) == before
    assert stock(db, product) == (9, 0, 0)


def send(http: httpx.Client, path: str, body: str | bytes) -> httpx.Response:
    """POST a body as it stands."""
    return http.post(path, content=body, headers=JSON_TYPE)


def hold_with(member: str, value: str, product: int) -> str:
    """A good hold as JSON, but for one member."""
    members = {"product_id": str(product), "qty": "1", member: value}
    return "{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}"


def event_with(member: str, value: str) -> str:
    """A good payment event as JSON, but for one member."""
    members = {"idempotency_key": '"evt"', "order_id": f'"{AN_ID}"', "status": '"succeeded"', member: value}
    return "{" + ", ".join(f'"{name}": {text}' for name, text in members.items()) + "}"


def assert_names(answer: httpx.Response, field: str, allowed: str) -> None:
    """The answer is a 422 about this field alone, saying what is allowed."""
    assert (answer.status_code, problem_of(answer)) == (422, "invalid_argument"), answer.text
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert allowed in error["detail"]
    assert field in answer.json()["detail"]
    assert allowed in answer.json()["detail"]


@pytest.mark.parametrize(
    "value",
    [
        "0",
        "-1",
        "1.5",
        '"1"',
        "true",
        "null",
        "[1]",
        "{}",
        "2147483648",
        "18446744073709551616",
        "-9223372036854775809",
    ],
)
def test_a_number_of_a_hold_must_be_whole_and_positive(http: httpx.Client, product: int, value: str) -> None:
    for member in ("qty", "product_id"):
        assert_names(send(http, HOLD, hold_with(member, value, product)), member, WHOLE_NUMBER)


@pytest.mark.parametrize("value", ["1", "true", '""', "[]", "{}", f'"{"x" * 129}"', f'"{"😀" * 129}"'])
def test_a_customer_is_a_short_text(http: httpx.Client, product: int, value: str) -> None:
    answer = send(http, HOLD, hold_with("customer_id", value, product))

    assert_names(answer, "customer_id", "text of 1 to 128 characters")


@pytest.mark.parametrize("qty", [4, 9, 10, 2147483647])
def test_more_units_than_a_hold_may_have_are_refused(http: httpx.Client, product: int, qty: int) -> None:
    answer = send(http, HOLD, hold_with("qty", str(qty), product))

    assert (answer.status_code, problem_of(answer), answer.json()["code"]) == (422, "quantity_above_limit", 31302)
    assert "3 units" in answer.json()["detail"]


@pytest.mark.parametrize("product_id", [2147483647, 999999])
def test_a_product_nobody_sells_is_not_found(http: httpx.Client, product: int, product_id: int) -> None:
    answer = send(http, HOLD, hold_with("product_id", str(product_id), product))

    assert (answer.status_code, problem_of(answer), answer.json()["code"]) == (404, "product_not_found", 31001)


@pytest.mark.parametrize(
    ("path", "body", "field", "allowed"),
    [
        (HOLD, '{"product_id": 1}', "qty", WHOLE_NUMBER),
        (HOLD, '{"qty": 1}', "product_id", WHOLE_NUMBER),
        (ORDER, "{}", "hold_id", UUID),
        (EVENT, f'{{"order_id": "{AN_ID}", "status": "failed"}}', "idempotency_key", "text of 1 to 255 characters"),
        (
            EVENT,
            '{"idempotency_key": "evt", "status": "failed"}',
            "order_id",
            "its order or, in payment_id, its payment",
        ),
        (EVENT, f'{{"idempotency_key": "evt", "order_id": "{AN_ID}"}}', "status", STATUSES),
    ],
)
def test_a_missing_member_is_named(http: httpx.Client, path: str, body: str, field: str, allowed: str) -> None:
    answer = send(http, path, body)

    assert_names(answer, field, allowed)
    assert "missing" in answer.json()["detail"]


def test_all_that_is_wrong_is_named_at_once(http: httpx.Client) -> None:
    answer = send(http, HOLD, '{"qty": 0, "customer_id": "", "coupon": 1}')

    assert problem_of(answer) == "invalid_argument"
    assert {error["field"] for error in answer.json()["errors"]} == {"product_id", "qty", "customer_id", "coupon"}


@pytest.mark.parametrize(
    ("path", "body", "field", "allowed"),
    [
        (HOLD, '{"product_id": 1, "qty": 1, "quantity": 1}', "quantity", "product_id, qty, customer_id"),
        (HOLD, '{"product_id": 1, "qty": 1, "Qty": 1}', "Qty", "product_id, qty, customer_id"),
        (HOLD, '{"product_id": 1, "qty": 1, "": 1}', "", "product_id, qty, customer_id"),
        (ORDER, f'{{"hold_id": "{AN_ID}", "price": 1}}', "price", "hold_id"),
        (EVENT, event_with("payload", "{}"), "payload", "idempotency_key, order_id, payment_id, status"),
    ],
)
def test_an_unknown_member_is_named(http: httpx.Client, path: str, body: str, field: str, allowed: str) -> None:
    assert_names(send(http, path, body), field, allowed)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (HOLD, '{"product_id": 1, "qty": 1, "qty": 2}', "qty"),
        (HOLD, r'{"product_id": 1, "qty": 1, "\u0071ty": 1}', "qty"),
        (ORDER, f'{{"hold_id": "{AN_ID}", "hold_id": "{AN_ID}"}}', "hold_id"),
        (EVENT, event_with("status", '"failed", "status": "succeeded"'), "status"),
    ],
)
def test_a_member_given_twice_is_refused(http: httpx.Client, path: str, body: str, field: str) -> None:
    assert_names(send(http, path, body), field, "more than once")


@pytest.mark.parametrize(
    "value",
    [
        '"8"', '""', "1", "null", "true", "[]", f'"{AN_ID}x"', f'"{AN_ID.replace("-", "")}"', f'"{{{AN_ID}}}"',
        r'"019378d2-8c1a-7c3e-9b57-2f60c1d1a00\n"', f'"{AN_ID}\\n"', '"019378d2-8c1a-7c3e-9b57-2f60c1d1a00٣"',
        '''"' OR '1'='1"''',
    ],
)  # fmt: skip
def test_a_malformed_id_is_refused(http: httpx.Client, value: str) -> None:
    assert_names(send(http, ORDER, f'{{"hold_id": {value}}}'), "hold_id", UUID)


@pytest.mark.parametrize(
    ("member", "value", "allowed"),
    [
        *(("idempotency_key", value, "text of 1 to 255 characters") for value in ('""', "1", "null", f'"{"k" * 256}"')),
        *(
            (member, value, "text of 1 to 255 characters")
            for member in ("order_id", "payment_id")
            for value in ('""', "1", "true", "[]", "{}", f'"{"o" * 256}"', f'"{"😀" * 256}"')
        ),
        *(("status", value, STATUSES) for value in ('"paid"', '"Succeeded"', '""', "null", "1")),
        *(("amount", value, "integer from 0") for value in ("-1", "1.5", '"1"', "true", "9223372036854775808", "[]")),
        *(("currency", value, "three capital letters") for value in ('"eur"', '"EURO"', '""', "978", r'"EUR\n"')),
        *(
            ("occurred_at", value, "RFC 3339")
            for value in (
                '"yesterday"', '"2026-11-27"', '"2026-11-27T09:00:00"', "0", "1795770000", '""',
                '"2026-02-30T09:00:00Z"', '"2026-11-27T25:00:00Z"',
            )
        ),
        *(
            ("occurred_at", value, "years 1000 to 9999")
            for value in ('"0999-12-31T23:59:59Z"', '"9999-12-31T23:59:59-01:00"', '"0001-01-01T00:00:00+01:00"')
        ),
    ],
)  # fmt: skip
def test_a_bad_member_of_a_payment_event_is_refused(http: httpx.Client, member: str, value: str, allowed: str) -> None:
    assert_names(send(http, EVENT, event_with(member, value)), member, allowed)


@pytest.mark.parametrize("path", [HOLD, ORDER, EVENT])
def test_a_body_that_is_no_object_is_refused(http: httpx.Client, path: str) -> None:
    for body in ("[]", '"text"', "1", "null", "true", '[{"product_id": 1, "qty": 1}]'):
        assert_names(send(http, path, body), "body", "must be a JSON object")


GOOD = '{"product_id": %d, "qty": 1}'


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("", "empty"),
        (" \r\n\t", "empty"),
        ("qty=1&product_id=1", "JSON"),
        ("{'product_id': %d, 'qty': 1}", "JSON"),
        ('{"product_id": %d, "qty": 1', "JSON"),
        (GOOD + "}", "JSON"),
        (GOOD + GOOD.replace("%d", "1"), "JSON"),
        ('{"product_id": %d, "qty": 1,}', "JSON"),
        ('{"product_id": %d, "qty": 1 /* one */}', "JSON"),
        ('{"product_id": %d, "qty": 01}', "JSON"),
        ('{"product_id": %d, "qty": +1}', "JSON"),
        ('{"product_id": %d, "qty": 0x1}', "JSON"),
        ('{"product_id": %d, "qty": NaN}', "JSON"),
        ('{"product_id": %d, "qty": Infinity}', "JSON"),
        ('{"product_id": %d, "qty": 1, "customer_id": "\n"}', "JSON"),
        (r'{"product_id": %d, "qty": 1, "customer_id": "\x41"}', "JSON"),
        (r'{"product_id": %d, "qty": 1, "customer_id": "\ud800"}', "JSON"),
        ("\ufeff" + GOOD, "byte order mark"),
    ],
)
def test_a_body_that_is_no_json_is_refused(http: httpx.Client, product: int, body: str, word: str) -> None:
    answer = send(http, HOLD, body.replace("%d", str(product)))

    assert (answer.status_code, problem_of(answer)) == (400, "invalid_json")
    assert word in answer.json()["detail"]


@pytest.mark.parametrize("qty", ["1e400", "-1e400", "9" * 400, "1" + "0" * 5000, "0.1e1"])
def test_a_number_no_computer_has_is_refused(http: httpx.Client, product: int, qty: str) -> None:
    answer = send(http, HOLD, hold_with("qty", qty, product))

    assert problem_of(answer) in ("invalid_json", "invalid_argument")
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_a_body_that_is_not_utf_8_is_refused(http: httpx.Client, product: int, encoding: str) -> None:
    body = f'{{"product_id": {product}, "qty": 1, "customer_id": "ädä"}}'.encode(encoding)

    answer = send(http, HOLD, body)

    assert (answer.status_code, problem_of(answer)) == (400, "invalid_json")


@pytest.mark.parametrize(
    "value",
    ["[" * 20000 + "]" * 20000, '{"a":' * 8000 + "1" + "}" * 8000, "[" * 30000, '{"a":' * 12000],
)
def test_a_deeply_nested_body_is_refused(http: httpx.Client, product: int, value: str) -> None:
    for body in (value, hold_with("qty", value, product), hold_with("extra", value, product)):
        answer = send(http, HOLD, body)
        assert answer.status_code in (400, 422)
        assert problem_of(answer) in ("invalid_json", "invalid_argument")


SEGMENTS = (
    "0", "-1", "abc", "2147483648", "18446744073709551616", "%00", "1%00", "%D9%A3", "1.0", "+1", "%201", "1%0A",
    "1%27%20OR%201=1", "%FF", "null", "9" * 1000, AN_ID + "0", AN_ID.replace("-", ""), AN_ID + "%0A",
)  # fmt: skip


@pytest.mark.parametrize(
    ("path", "slug", "field", "allowed"),
    [
        ("/api/products/", "product_not_found", "product_id", "integer from 1 to 2147483647"),
        ("/api/holds/", "hold_not_found", "hold_id", UUID),
        ("/api/orders/", "order_not_found", "order_id", UUID),
    ],
)
def test_a_malformed_id_in_an_address_is_not_found(
    http: httpx.Client, path: str, slug: str, field: str, allowed: str
) -> None:
    for segment in SEGMENTS:
        answer = http.get(path + segment)

        assert (answer.status_code, problem_of(answer)) == (404, slug), segment
        [error] = answer.json()["errors"]
        assert error["field"] == field
        assert allowed in error["detail"]


def test_a_malformed_hold_cannot_be_released(http: httpx.Client) -> None:
    answer = http.delete("/api/holds/8")

    assert (answer.status_code, problem_of(answer)) == (404, "hold_not_found")


@pytest.mark.parametrize(
    "key",
    [
        b"", b'""', b"k" * 256, "😀".encode() * 256, b'"unfinished', b'"one" "two"', rb'"a\b"', b'"a"b',
        b"\xff", b'"' + b"k" * 256 + b'"',
    ],
)  # fmt: skip
def test_a_bad_idempotency_key_is_refused(http: httpx.Client, product: int, key: bytes) -> None:
    for path, body in ((HOLD, {"product_id": product, "qty": 1}), (ORDER, {"hold_id": AN_ID})):
        answer = http.post(path, json=body, headers={b"Idempotency-Key": key})

        assert_names(answer, "Idempotency-Key", "must be")
