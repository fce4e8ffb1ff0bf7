"""Requests that are not valid HTTP get a problem too, and nobody else notices."""

import json
import re
import socket

import pytest

from tests.support.buyer import PROBLEM_JSON, Buyer
from tests.support.database import Database
from tests.support.sale import new_product, stock
from tests.support.service import Service

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/holds HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def answer_to(service: Service, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send bytes and read until the other side hangs up: status, headers, body."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(request)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    status_line, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status_line.split()[1]), headers, body


MALFORMED = {
    "one word": b"GARBAGE\r\n\r\n",
    "no version": b"GET /healthz\r\n\r\n",
    "no path": b"GET  HTTP/1.1\r\n\r\n",
    "method": b"G(T /healthz HTTP/1.1\r\n\r\n",
    "space in path": b"GET /a b HTTP/1.1\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "HTTP 9.9": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "HTTP 2": b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n",
    "FTP": b"GET /healthz FTP/1.1\r\nHost: x\r\n\r\n",
    "space in a header's name": GET + b"a b: 1\r\n\r\n",
    "space after a header's name": GET + b"a : 1\r\n\r\n",
    "no colon": GET + b"no colon\r\n\r\n",
    "no header name": GET + b": nothing\r\n\r\n",
    "folded header": GET + b"a: 1\r\n  more\r\n\r\n",
    "NUL in a header": GET + b"a: \x00\r\n\r\n",
    "NUL in a key": POST + b"Idempotency-Key: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "bare line feeds": b"GET /healthz HTTP/1.1\nHost: x\n\n",
    "length abc": POST + b"Content-Length: abc\r\n\r\n{}",
    "length -1": POST + b"Content-Length: -1\r\n\r\n{}",
    "length +2": POST + b"Content-Length: +2\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size ZZ": CHUNKED + b"ZZ\r\n{}\r\n0\r\n\r\n",
    "chunk size -2": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "chunk size too small": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "endless body": POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
}
OTHERWISE_REFUSED = {
    "huge header": (431, "headers_too_large", GET + b"a: " + b"x" * 9000 + b"\r\n\r\n"),
    "many headers": (431, "headers_too_large", GET + b"a: 1\r\n" * 100 + b"\r\n"),
    "endless header": (431, "headers_too_large", GET + b"a: " + b"x" * 600000),
    "long address": (414, "uri_too_long", b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n"),
    "transfer coding": (
        501,
        "not_implemented",
        POST + b"Transfer-Encoding: rot13, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ),
    "expectation": (417, "expectation_failed", POST + b"Expect: a miracle\r\nContent-Length: 2\r\n\r\n{}"),
}


def assert_refused(service: Service, request: bytes, status: int, slug: str) -> None:
    """The request gets this problem, and no worker minds."""
    workers = service.workers()

    answered, headers, body = answer_to(service, request)

    problem = json.loads(body)
    assert (answered, problem["type"], problem["status"]) == (status, f"/problems/{slug}", status)
    assert headers["content-type"] == PROBLEM_JSON
    assert problem["title"]
    assert problem["detail"]
    assert service.workers() == workers


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_request_that_is_no_http_gets_a_problem(service: Service, request_bytes: bytes) -> None:
    assert_refused(service, request_bytes, 400, "malformed_request")


@pytest.mark.parametrize(("status", "slug", "request_bytes"), OTHERWISE_REFUSED.values(), ids=OTHERWISE_REFUSED.keys())
def test_a_request_that_is_too_large_or_asks_too_much_gets_a_problem(
    service: Service, status: int, slug: str, request_bytes: bytes
) -> None:
    assert_refused(service, request_bytes, status, slug)


def test_a_client_that_hangs_up_in_the_middle_harms_nobody(service: Service, db: Database) -> None:
    product = new_product(db, 3)
    workers = service.workers()
    for half in (b"", b"GET /hea", GET, POST + b"Content-Length: 30\r\n\r\n{", CHUNKED + b"5\r\n{"):
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
            connection.sendall(half)

    with Buyer(service.url) as buyer:
        assert buyer.hold(product).status_code == 201
    assert stock(db, product) == (2, 1, 0)
    assert service.workers() == workers


def test_requests_sent_in_one_piece_are_answered_one_by_one(service: Service, db: Database) -> None:
    body = json.dumps({"product_id": new_product(db, 2), "qty": 1}).encode()
    request = POST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)

    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(3 * request + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert re.findall(rb"HTTP/1.1 (\d+) ", received) == [b"201", b"201", b"409", b"200"]


def test_a_body_that_waits_to_be_asked_for_is_asked_for(service: Service, db: Database) -> None:
    body = json.dumps({"product_id": new_product(db, 1), "qty": 1}).encode()

    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        head = POST + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % len(body))
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert received.startswith(b"HTTP/1.1 201")
