"""A worker whose places are all taken: who has been idle for longest goes, and nobody whose request is under way."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import uvicorn

from api.limits import REFUSAL
from api.server.connection import HttpConnection
from tests.support.raw_http import dialled, next_answer
from tests.support.waiting import wait_until

PLACES = 3
KEEP_ALIVE_SECONDS = 4
BIG = 5_000_000
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def is_idle(client: HttpConnection) -> bool:
    """Whether nothing of a request is here."""
    return client.is_awaited() and not client.arriving


class SmallWorker:
    """uvicorn in a thread, with connections of ours and three places. Its answers to /wait wait for `go`."""

    def __init__(self) -> None:
        self.go = threading.Event()
        config = uvicorn.Config(
            self._answer, interface="asgi3", http=HttpConnection, ws="none", lifespan="off", log_level="error", port=0,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/wait":
            await asyncio.to_thread(self.go.wait, 20)
        if scope["path"] == "/stop":
            self.go.wait(20)  # and with it everybody else
        body = bytes(BIG if scope["path"] == "/big" else 0)
        status = scope[REFUSAL].kind.status if REFUSAL in scope else 200
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": status, "headers": [length]})
        await send({"type": "http.response.body", "body": body})

    def __enter__(self) -> "SmallWorker":
        self._thread.start()
        wait_until(lambda: self._server.started)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *error: object) -> None:
        self.go.set()
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallWorker]:
    monkeypatch.setattr(HttpConnection, "places", PLACES, raising=False)
    monkeypatch.setattr(HttpConnection, "clients", {})
    with SmallWorker() as running:
        yield running


@pytest.fixture
def dial(worker: SmallWorker) -> Iterator[Callable[[], socket.socket]]:
    """Connect, and wait until the worker has noticed."""
    with ExitStack() as stack:

        def connect() -> socket.socket:
            before = len(HttpConnection.clients)
            connection = stack.enter_context(dialled(worker.port))
            wait_until(lambda: len(HttpConnection.clients) != before or before >= PLACES)
            return connection

        yield connect


def ask(connection: socket.socket, path: bytes = b"/") -> int:
    """The status of an answer."""
    connection.sendall(GET.replace(b"/", path, 1))
    return next_answer(connection).status


def is_closed(connection: socket.socket) -> bool:
    """Whether the worker has hung up."""
    connection.settimeout(0.3)
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_who_has_been_idle_for_longest_goes(dial: Callable[[], socket.socket]) -> None:
    served_late, silent, served_early = dial(), dial(), dial()
    assert (ask(served_early), ask(served_late)) == (200, 200)

    newcomer = dial()
    assert ask(newcomer) == 200
    assert [is_closed(each) for each in (silent, served_early, served_late)] == [True, False, False]
    assert ask(dial()) == 200
    assert [is_closed(each) for each in (served_early, served_late, newcomer)] == [True, False, False]


def test_nobody_goes_whose_request_is_under_way(worker: SmallWorker, dial: Callable[[], socket.socket]) -> None:
    working, half, idle = dial(), dial(), dial()
    working.sendall(GET.replace(b"/", b"/wait", 1))
    half.sendall(GET[:10])
    assert ask(idle) == 200

    assert ask(dial()) == 200
    assert is_closed(idle)
    half.sendall(GET[10:])
    assert half.recv(65536).startswith(b"HTTP/1.1 200 ")
    worker.go.set()
    assert working.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_who_comes_when_everybody_is_served_is_told_to_come_back(
    worker: SmallWorker, dial: Callable[[], socket.socket]
) -> None:
    busy = [dial() for _ in range(PLACES)]
    for each in busy:
        each.sendall(GET.replace(b"/", b"/wait", 1))
    wait_until(lambda: not any(is_idle(each) for each in HttpConnection.clients))
    newcomer = dial()
    assert newcomer.recv(65536).startswith(b"HTTP/1.1 503 ")
    worker.go.set()
    for each in busy:
        assert each.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert ask(dial()) == 200


@pytest.mark.parametrize("speaks_first", [True, False])
def test_who_has_just_spoken_is_served_though_nobody_has_listened_yet(
    worker: SmallWorker, dial: Callable[[], socket.socket], speaks_first: bool
) -> None:
    speaker, silent, stopper = dial(), dial(), dial()
    stopper.sendall(GET.replace(b"/", b"/stop", 1))
    wait_until(lambda: not all(is_idle(each) for each in HttpConnection.clients))
    if speaks_first:
        speaker.sendall(GET)
    newcomer = dial()
    newcomer.sendall(GET)
    if not speaks_first:
        speaker.sendall(GET)
    worker.go.set()

    assert speaker.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert newcomer.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert is_closed(silent)


def test_the_time_to_send_the_next_request_begins_with_the_answer_to_the_last(
    monkeypatch: pytest.MonkeyPatch, worker: SmallWorker, dial: Callable[[], socket.socket]
) -> None:
    monkeypatch.setattr("api.server.connection.ARRIVAL_SECONDS", 1)
    early, late = dial(), dial()
    early.sendall(GET.replace(b"/", b"/wait", 1) + GET[:10])
    late.sendall(GET[:10])

    assert next_answer(late).status == 408
    worker.go.set()
    assert next_answer(early).status == 200
    early.sendall(GET[10:])
    assert next_answer(early).status == 200


def test_who_says_nothing_is_let_go_after_a_while(dial: Callable[[], socket.socket]) -> None:
    silent, served = dial(), dial()
    began = time.monotonic()
    assert ask(served) == 200
    for each in (silent, served):
        assert each.recv(1) == b""
        assert KEEP_ALIVE_SECONDS - 0.1 < time.monotonic() - began < KEEP_ALIVE_SECONDS + 4


def test_who_does_not_take_the_answers_is_let_go_after_a_while(dial: Callable[[], socket.socket]) -> None:
    greedy = dial()
    greedy.sendall(GET.replace(b"/", b"/big", 1) * 5)
    wait_until(lambda: any(each.flow.write_paused for each in HttpConnection.clients))
    wait_until(lambda: not HttpConnection.clients, 4 * KEEP_ALIVE_SECONDS)
    received = 0
    with suppress(ConnectionResetError):
        while piece := greedy.recv(1_000_000):
            received += len(piece)
    assert received < 5 * BIG
