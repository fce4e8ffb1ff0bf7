"""Requests that arrive slowly, in part, or more of them than was announced."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.support.buyer import PROBLEM_JSON
from tests.support.database import Database
from tests.support.raw_http import RawAnswer, answers_in, dialled, next_answer, rest_of
from tests.support.sale import footprint, new_product, stock
from tests.support.service import Service

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /api/holds HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
HALVES = {
    "half a request line": b"POST /api/ho",
    "half a head": POST + b"Content-Le",
    "half a body": POST + b'Content-Length: 30\r\n\r\n{"product_id": ',
    "half a long body": POST + b"Content-Length: 65536\r\n\r\n{",
    "half a chunk": CHUNKED + b'5\r\n{"',
    "no last chunk": CHUNKED + b"2\r\n{}\r\n",
    "a body that waits to be asked for": POST + b"Expect: 100-continue\r\nContent-Length: 30\r\n\r\n",
}


@contextmanager
def all_dialled(service: Service, count: int) -> Iterator[list[socket.socket]]:
    """So many connections."""
    with ExitStack() as stack:
        yield [stack.enter_context(dialled(service.port)) for _ in range(count)]


def only_answer(connection: socket.socket) -> RawAnswer:
    """The one answer that comes before the other side hangs up."""
    received = rest_of(connection).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    [answer] = answers_in(received)
    return answer


def hold(product: int) -> bytes:
    """The body of a request for a unit."""
    return b'{"product_id": %d, "qty": 1}' % product


def test_who_stops_in_the_middle_is_told_so_after_five_seconds(service: Service, db: Database) -> None:
    before = footprint(db)
    with all_dialled(service, len(HALVES)) as connections:
        began = time.monotonic()
        for connection, half in zip(connections, HALVES.values(), strict=True):
            connection.sendall(half)
        for connection, name in zip(connections, HALVES, strict=True):
            answer = only_answer(connection)
            assert 4.9 < time.monotonic() - began < 9, name  # it looks once a second, and may linger for two
            assert (answer.status, answer.problem) == (408, "request_timeout"), name
            assert answer.headers["content-type"] == PROBLEM_JSON
            assert answer.headers["connection"] == "close"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-request-id"]
    assert footprint(db) == before


def test_who_sends_byte_after_byte_has_no_longer(service: Service) -> None:
    with dialled(service.port) as connection:
        began, received = time.monotonic(), b""
        connection.sendall(b"GET /")
        connection.settimeout(0.4)
        while not received and time.monotonic() - began < 9:
            try:
                received = connection.recv(65536)
            except TimeoutError:
                connection.sendall(b"x")
    assert received.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("head", [POST + b"Content-Length: 60\r\n\r\n", CHUNKED + b"3c\r\n"], ids=["length", "chunk"])
def test_a_body_that_ends_before_it_was_to_end_takes_no_unit(service: Service, db: Database, head: bytes) -> None:
    """Though it would be a good one if it had been announced as long as it is."""
    product = new_product(db, 1)
    with all_dialled(service, 2) as (stays, leaves):
        for connection in (stays, leaves):
            connection.sendall(head + hold(product))
        leaves.close()
        assert only_answer(stays).status == 408
    assert stock(db, product) == (1, 0, 0)


def test_a_body_that_is_announced_to_be_too_large_is_refused_before_it_comes(service: Service) -> None:
    with dialled(service.port) as connection:
        began = time.monotonic()
        connection.sendall(POST + b"Content-Length: 1000000\r\n\r\n{")
        answer = next_answer(connection)
        assert (answer.status, answer.problem) == (413, "payload_too_large")
        assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("head", "status"),
    [(POST + b"Content-Length: 20000000\r\n\r\n", 413), (b"NO HTTP\r\n\r\n", 400), (GET[:-2] + b"a: ", 431)],
    ids=["body", "no request", "head"],
)
def test_who_goes_on_sending_can_read_why_it_is_in_vain(service: Service, head: bytes, status: int) -> None:
    """A connection closed with bytes unread is reset, and with the reset the answer is lost."""
    with dialled(service.port) as connection:
        connection.sendall(head)
        for _ in range(300):  # ten MB, more than the sockets hold
            connection.sendall(b"x" * 32768)
        assert connection.recv(65536).startswith(b"HTTP/1.1 %d " % status)


def test_what_is_no_http_is_refused_after_what_was_asked_before_it(service: Service, db: Database) -> None:
    product = new_product(db, 5)
    request = POST + b"Content-Length: %d\r\n\r\n%b" % (len(hold(product)), hold(product))
    for broken in (b"NO HTTP\r\n\r\n", CHUNKED + b"XX\r\n", GET[:-2] + b"a: " + b"x" * 9000 + b"\r\n\r\n"):
        with dialled(service.port) as connection:
            connection.sendall(request + GET + broken + request)
            first, second, third = answers_in(rest_of(connection))
        assert (first.status, second.status) == (201, 200)
        assert third.status in (400, 431)
    assert stock(db, product) == (2, 3, 0)


def test_nothing_behind_a_request_to_upgrade_is_taken_for_a_request(service: Service, db: Database) -> None:
    product = new_product(db, 5)
    request = POST + b"Content-Length: %d\r\n\r\n%b" % (len(hold(product)), hold(product))
    for protocol in (b"websocket", b"h2c"):
        with dialled(service.port) as connection:
            connection.sendall(GET[:-2] + b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n" + request)
            [answer] = answers_in(rest_of(connection))
        assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert stock(db, product) == (5, 0, 0)


def test_nothing_is_done_behind_a_request_that_was_the_last(service: Service, db: Database) -> None:
    product = new_product(db, 5)
    request = POST + b"Content-Length: %d\r\n\r\n%b" % (len(hold(product)), hold(product))
    for last in (GET[:-2] + b"Connection: close\r\n\r\n", b"GET /healthz HTTP/1.0\r\n\r\n"):
        with dialled(service.port) as connection:
            connection.sendall(last + request)
            assert [answer.status for answer in answers_in(rest_of(connection))] == [200]
    assert stock(db, product) == (5, 0, 0)


def test_who_has_said_all_may_close_that_half_and_still_hears(service: Service, db: Database) -> None:
    product = new_product(db, 1)
    with dialled(service.port) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n%b" % (len(hold(product)), hold(product)))
        connection.shutdown(socket.SHUT_WR)
        assert [answer.status for answer in answers_in(rest_of(connection))] == [201]


def test_http_1_0_is_answered_and_the_connection_closed(service: Service) -> None:
    with dialled(service.port) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        [answer] = answers_in(rest_of(connection))
    assert (answer.status, answer.body) == (200, b'{"status":"alive"}')


def test_an_expected_body_is_not_asked_for_when_it_would_be_refused(service: Service) -> None:
    """And what comes in its place is not taken for it, nor for a request."""
    with dialled(service.port) as connection:
        connection.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n" + GET)
        [answer] = answers_in(rest_of(connection))
    assert (answer.status, answer.headers["connection"]) == (413, "close")
