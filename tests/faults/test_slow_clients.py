"""Clients that hold a connection and say nothing, or half of something."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.support.database import Database
from tests.support.sale import new_product
from tests.support.service import Service
from tests.support.shop import Buyer, buyers

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
        assert seconds_to_buy(own_service, product) < 1
        assert idle[0].hold(product).status_code == 201


def test_a_hundred_connections_that_say_nothing_do_not_keep_a_buyer_out(own_service: Service, db: Database) -> None:
    product = new_product(db, 5)
    with half_sent(own_service, b"", 100):
        assert seconds_to_buy(own_service, product) < 1


def test_clients_that_stop_in_the_middle_of_a_request_are_cut_off_and_a_buyer_is_served(
    own_service: Service, db: Database
) -> None:
    product = new_product(db, 5)
    with ExitStack() as stack:
        for half in HALVES.values():
            stack.enter_context(half_sent(own_service, half, 4))
        assert seconds_to_buy(own_service, product) < 20
