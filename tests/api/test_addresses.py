"""Wrong methods, addresses, types and sizes."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.buyer import problem_of
from tests.support.database import Database
from tests.support.sale import new_product, stock

LIMIT = 64 * 1024


@pytest.fixture
def product(db: Database) -> int:
    """Nine units on sale."""
    return new_product(db, 9)


def padded(product: int, size: int) -> bytes:
    """A good hold as JSON of exactly so many bytes."""
    return f'{{"product_id": {product}, "qty": 1}}'.encode().ljust(size)


def in_chunks(body: bytes) -> Iterator[bytes]:
    """What httpx sends with Transfer-Encoding: chunked."""
    for start in range(0, len(body), 5000):
        yield body[start : start + 5000]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/products", {"GET", "HEAD", "OPTIONS"}),
        ("/api/products/1", {"GET", "HEAD", "OPTIONS"}),
        ("/api/holds", {"POST", "OPTIONS"}),
        ("/api/holds/1", {"GET", "HEAD", "DELETE", "OPTIONS"}),
        ("/api/orders", {"GET", "HEAD", "POST", "OPTIONS"}),
        ("/api/orders/1", {"GET", "HEAD", "OPTIONS"}),
        ("/api/payments/webhook", {"POST", "OPTIONS"}),
        ("/healthz", {"GET", "HEAD", "OPTIONS"}),
        ("/readyz", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_answered_with_the_right_ones(http: httpx.Client, path: str, allowed: set[str]) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW"} - allowed:
        answer = http.request(method, path, content=b"{}")
        assert (answer.status_code, problem_of(answer)) == (405, "method_not_allowed")
        assert set(answer.headers["allow"].split(", ")) == allowed
        assert method in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/shop", "/api", "/api/hold", "/API/products", "/api//products", "/api/products/1/2", "/%2e%2e/etc/passwd",
        "/%00", "/%FF", "/api/holds/" + "a/" * 100, "/problems/sold_out/",
    ],
)  # fmt: skip
def test_an_unknown_address_is_not_found(http: httpx.Client, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = http.request(method, path)
        assert (answer.status_code, problem_of(answer)) == (404, "not_found")


@pytest.mark.parametrize(
    "content_type",
    [
        None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/xml",
        "application/jsonx", "json", "application/json; charset=latin-1", "application/json, text/plain",
    ],
)  # fmt: skip
def test_a_body_of_another_type_is_refused(
    http: httpx.Client, db: Database, product: int, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}

    answer = http.post("/api/holds", content=padded(product, 100), headers=headers)

    assert (answer.status_code, problem_of(answer)) == (415, "unsupported_media_type")
    assert "application/json" in answer.json()["detail"]
    assert stock(db, product) == (9, 0, 0)


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", 'application/json;charset="UTF-8"', "APPLICATION/JSON", "application/json;"],
)
def test_json_may_be_announced_in_several_ways(http: httpx.Client, product: int, content_type: str) -> None:
    answer = http.post("/api/holds", content=padded(product, 100), headers={"Content-Type": content_type})

    assert answer.status_code == 201


def test_a_body_of_64_kib_is_read(http: httpx.Client, product: int) -> None:
    body, headers = padded(product, LIMIT), {"Content-Type": "application/json"}

    at_once = http.post("/api/holds", content=body, headers=headers)
    chunked = http.post("/api/holds", content=in_chunks(body), headers=headers)

    assert (at_once.status_code, chunked.status_code) == (201, 201)


def test_a_byte_more_is_refused(http: httpx.Client, db: Database, product: int) -> None:
    body, headers = padded(product, LIMIT + 1), {"Content-Type": "application/json"}

    for answer in (
        http.post("/api/holds", content=body, headers=headers),
        http.post("/api/holds", content=in_chunks(body), headers=headers),
        http.post("/api/holds", content=padded(product, 10 * LIMIT), headers=headers),
    ):
        assert (answer.status_code, problem_of(answer)) == (413, "payload_too_large")
        assert "65536" in answer.json()["detail"]
    assert stock(db, product) == (9, 0, 0)


def test_the_next_request_after_a_refused_body_is_served(http: httpx.Client, product: int) -> None:
    for body in (padded(product, LIMIT + 1), b"[" * 1000, b"\xff"):
        http.post("/api/holds", content=body, headers={"Content-Type": "application/json"})
        assert http.get(f"/api/products/{product}").json()["available"] == 9
