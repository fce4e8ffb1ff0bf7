"""Clients that ask again and again on one connection, at once, in pieces, or after a pause."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.service import Service

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module")
def narrow(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Workers that have one connection to MySQL each."""
    log: Path = tmp_path_factory.mktemp("narrow") / "gunicorn.log"
    running = Service(api_url, log, FLASHSALE_CONNECTIONS="1")
    yield running
    running.stop()


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=PATIENCE_SECONDS)


def answer(connection: socket.socket) -> bytes:
    """The status of one whole answer."""
    received = b""
    while b'{"status":"alive"}' not in received:
        piece = connection.recv(65536)
        assert piece, f"the connection was closed after {received!r}"
        received += piece
    assert received.count(b"HTTP/1.1 ") == 1
    return received[9:12]


def ask(connection: socket.socket) -> bytes:
    connection.sendall(REQUEST)
    return answer(connection)


def test_who_asks_without_end_keeps_nobody_out(narrow: Service) -> None:
    enough, answered = threading.Event(), []

    def ask_without_end() -> None:
        with closing(connect(narrow)) as connection:
            count = 0
            while not enough.is_set():
                assert ask(connection) == b"200"
                count += 1
            answered.append(count)

    greedy = [threading.Thread(target=ask_without_end) for _ in range(8)]
    for thread in greedy:
        thread.start()
    with ExitStack() as stack:
        stack.callback(enough.set)
        others = [stack.enter_context(closing(connect(narrow))) for _ in range(20)]
        assert {ask(other) for other in others for _ in range(3)} == {b"200"}
    for thread in greedy:
        thread.join(PATIENCE_SECONDS)
    assert len(answered) == 8 and all(answered)


def test_a_request_in_pieces_that_follows_at_once_keeps_nobody_out(narrow: Service) -> None:
    with ExitStack() as stack:
        halves = [stack.enter_context(closing(connect(narrow))) for _ in range(8)]
        for number, half in enumerate(halves):
            # A part of the second one comes with the first, or all of it comes later.
            early, late = (20, 20) if number % 2 else (0, 20)
            half.sendall(REQUEST + REQUEST[:early])
            assert answer(half) == b"200"
            half.sendall(REQUEST[early:late])
        other = stack.enter_context(closing(connect(narrow)))
        assert ask(other) == b"200"
        for half in halves:
            half.sendall(REQUEST[20:])
            assert answer(half) == b"200"


def test_a_client_that_pauses_is_served_on_the_same_connection(narrow: Service) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(connect(narrow))) for _ in range(8)]
        for _ in range(3):
            assert [ask(client) for client in clients] == [b"200"] * len(clients)


def test_a_client_that_leaves_after_its_answer_is_let_go(narrow: Service) -> None:
    for _ in range(50):
        with closing(connect(narrow)) as client:
            assert ask(client) == b"200"
    with closing(connect(narrow)) as client:
        assert ask(client) == b"200"
