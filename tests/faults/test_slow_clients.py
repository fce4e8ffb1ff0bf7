"""Clients that hold a connection and say nothing, or half of something."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.buyer import Buyer, buyers
from tests.support.crowd import open_files
from tests.support.database import Database
from tests.support.fault_lengths import times
from tests.support.sale import new_product
from tests.support.service import Service

AT_ONCE_SECONDS = 2
CROWD = 192
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/holds HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
HALVES = {
    "half a request line": b"POST /api/ho",
    "half a head": POST + b"Content-Le",
    "half a body": POST + b'Content-Length: 30\r\n\r\n{"product_id": ',
    "half a chunk": POST + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"',
    "a head that waits to be asked for the body": POST + b"Expect: 100-continue\r\nContent-Length: 30\r\n\r\n",
    "the first of too many bytes": POST + b"Content-Length: 1000000\r\n\r\n{",
}


@contextmanager
def half_sent(service: Service, half: bytes, count: int) -> Iterator[None]:
    """So many connections, each with an unfinished request."""
    with ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=30))
            connection.sendall(half)
        yield


def seconds_to_buy(service: Service, product: int) -> float:
    """How long a new buyer needs for a hold."""
    began = time.monotonic()
    with Buyer(service.url) as buyer:
        assert buyer.hold(product).status_code == 201
    return time.monotonic() - began


def test_a_hundred_idle_connections_do_not_keep_a_buyer_out(own_service: Service, db: Database) -> None:
    product = new_product(db, 5)
    with buyers(own_service.url, 100) as idle:
        for each in idle:
            assert each.get("/healthz").status_code == 200
        assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS
        assert idle[0].hold(product).status_code == 201


def test_a_hundred_connections_that_say_nothing_do_not_keep_a_buyer_out(own_service: Service, db: Database) -> None:
    product = new_product(db, 5)
    with half_sent(own_service, b"", 100):
        assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS


def test_clients_that_stop_in_the_middle_of_a_request_are_cut_off_and_a_buyer_is_served(
    own_service: Service, db: Database
) -> None:
    product = new_product(db, 5)
    with ExitStack() as stack:
        for half in HALVES.values():
            stack.enter_context(half_sent(own_service, half, 4))
        assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS


def test_clients_that_send_byte_after_byte_keep_nobody_out(own_service: Service, db: Database) -> None:
    product, crowd = new_product(db, 50), CROWD
    with ExitStack() as stack:
        drips = [
            stack.enter_context(socket.create_connection(("127.0.0.1", own_service.port), timeout=30))
            for _ in range(crowd)
        ]
        request = POST + b'Content-Length: 30\r\nExpect: 100-continue\r\n\r\n{"product_id": '
        for byte in request:
            for drip in drips:
                drip.sendall(bytes([byte]))
            if byte in b"\n":
                assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS
        assert {drip.recv(65536) for drip in drips} == {b"HTTP/1.1 100 Continue\r\n\r\n"}
        cut_off = [answer_of(drip) for drip in drips]
    assert {answer.partition(b"\r\n")[0] for answer in cut_off} == {b"HTTP/1.1 408 Request Timeout"}


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def test_refused_clients_that_do_not_hang_up_keep_nobody_out(own_service: Service, db: Database) -> None:
    product = new_product(db, 50)
    with half_sent(own_service, b"NO HTTP\r\n\r\n", 100):
        for _ in range(5):
            assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS


def test_huge_heads_keep_nobody_out(own_service: Service, db: Database) -> None:
    product = new_product(db, 50)
    with half_sent(own_service, GET + b"a: " + b"x" * 100_000, 100):
        for _ in range(5):
            assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS


def test_pipelined_requests_are_answered_in_order_and_keep_nobody_out(own_service: Service, db: Database) -> None:
    product = new_product(db, 50)
    requests = GET + b"\r\n" + f"GET /api/products/{product} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    last = GET + b"Connection: close\r\n\r\n"
    with ExitStack() as stack:
        pipes = [
            stack.enter_context(socket.create_connection(("127.0.0.1", own_service.port), timeout=30))
            for _ in range(12)
        ]
        for pipe in pipes:
            pipe.sendall(requests * 10 + POST)
        assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS
        # The last one is sent in two pieces, the second one late.
        for pipe in pipes:
            pipe.sendall(b"Content-Length: 2\r\n\r\n{}" + last)
        for pipe in pipes:
            answers = answer_of(pipe).split(b"HTTP/1.1 ")[1:]
            assert [answer[:3] for answer in answers] == [b"200"] * 20 + [b"422", b"200"]
            assert [b'"alive"' in answer for answer in answers] == [True, False] * 10 + [False, True]


def test_ten_thousand_idle_connections_do_not_keep_a_buyer_out(own_service: Service, db: Database) -> None:
    """Half of them never say anything, half asked for something once."""
    product, count = new_product(db, 50), times(1000, 10_000)
    open_files(count + 256)
    with ExitStack() as stack:
        for number in range(count):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", own_service.port), timeout=30))
            if number % 2:
                idle.sendall(GET + b"\r\n")
            if number % (count // 5) == 0:
                assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS
        for _ in range(10):
            assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS
    assert seconds_to_buy(own_service, product) < AT_ONCE_SECONDS
