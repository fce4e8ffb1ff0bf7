"""Who takes a request that waits for a thread: a thread or, when it has waited too long, the loop that refuses it."""

import logging
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from api.server.connection import Connection
from api.server.worker import QUEUE_SECONDS, Worker

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Turns(Worker):
    """A worker without processes: its threads are the test, which does what `jobs` says when it likes."""

    def __init__(self) -> None:
        self.cfg, self.alive, self.nr_conns = Config(), True, 1
        self.jobs: list[Connection] = []
        self.served: list[Connection] = []
        self.tpool = SimpleNamespace(submit=self.jobs.append)
        self.method_queue = SimpleNamespace(defer=lambda do, *arguments: do(*arguments))
        self.poller = selectors.DefaultSelector()
        self.log = logging.getLogger("test")
        self.wsgi = SimpleNamespace(telemetry=SimpleNamespace(refused=lambda status, problem: "an-id"))
        self.keepalived_conns: deque[Connection] = deque()
        self._unstarted, self._queued, self._arriving, self._lingering = {}, deque(), {}, {}
        self._refused, self._refusals_told_at = 0, time.monotonic()

    def handle(self, conn: Connection) -> bool:
        """A thread answers, and the connection is kept."""
        self.served.append(conn)
        conn.parser.unreader.take_buffered()
        return True


@pytest.fixture
def turns() -> Iterator[tuple[Turns, Connection, socket.socket]]:
    worker = Turns()
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    listener = SimpleNamespace(getsockname=lambda: "")
    with worker.poller, theirs:
        theirs.sendall(REQUEST)
        conn = Connection(worker, ours, "", listener)
        worker.enqueue_req(conn)
        yield worker, conn, theirs
        conn.sock.close()


Setting = tuple[Turns, Connection, socket.socket]


def test_a_request_that_waited_too_long_is_refused_and_never_served(turns: Setting) -> None:
    worker, conn, theirs = turns

    worker._refuse_who_waited(time.monotonic() + QUEUE_SECONDS + 1)
    for job in worker.jobs:
        worker._serve(job)

    assert theirs.recv(65536).startswith(b"HTTP/1.1 503 ")
    assert (worker.served, worker.nr_conns) == ([], 0)
    assert conn not in worker.keepalived_conns


def test_a_request_that_a_thread_has_taken_is_not_refused(turns: Setting) -> None:
    worker, conn, _ = turns

    worker._serve(worker.jobs.pop())
    worker._refuse_who_waited(time.monotonic() + QUEUE_SECONDS + 1)

    assert (worker.served, worker.nr_conns, worker._refused) == ([conn], 1, 0)
    assert list(worker.keepalived_conns) == [conn]
    assert conn.sock in worker.poller.get_map()


def test_the_next_request_of_a_connection_waits_from_its_own_beginning(turns: Setting) -> None:
    worker, conn, theirs = turns
    [(first_deadline, _)] = worker._queued

    worker._serve(worker.jobs.pop())
    worker.keepalived_conns.clear()
    worker.poller.unregister(conn.sock)
    theirs.sendall(REQUEST)
    worker.enqueue_req(conn)
    worker._refuse_who_waited(first_deadline)

    assert worker._refused == 0
    worker._serve(worker.jobs.pop())
    assert worker.served == [conn, conn]


def test_what_follows_at_once_is_served_by_the_same_thread_unless_others_wait(turns: Setting) -> None:
    worker, conn, theirs = turns
    theirs.sendall(REQUEST)
    worker._unstarted["another"] = 0.0  # type: ignore[index]

    worker._serve(worker.jobs.pop())

    assert worker.served == [conn]
    worker._unstarted.clear()
    [kept] = worker.poller.select(0)
    worker.on_client_socket_readable(conn, kept[0].fileobj)
    theirs.sendall(REQUEST)
    worker._serve(worker.jobs.pop())
    assert worker.served == [conn] * 3


def test_a_worker_that_stops_keeps_a_connection_only_briefly(turns: Setting) -> None:
    worker, conn, _ = turns
    worker.alive = False

    worker._serve(worker.jobs.pop())

    assert conn.timeout <= time.monotonic() + 2.0
    worker._cap_keepalive(0.0)
    assert conn.timeout == 0.0
