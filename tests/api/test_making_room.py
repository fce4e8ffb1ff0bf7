"""Who has to go when every place is taken: whoever has been idle for longest, wherever the worker keeps them."""

import selectors
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from api.server.worker import ACCEPT_BATCH, Worker


class Idle:
    """A connection as the worker's lists have it."""

    def __init__(self, sock: socket.socket, timeout: float, speaks: bool = False) -> None:
        self.sock, self.timeout, self._speaks, self.closed = sock, timeout, speaks, False

    def has_data(self) -> bool:
        """Whether it has said something that nobody has read."""
        return self._speaks

    def close(self) -> None:
        """Hang up."""
        self.closed = True


@pytest.fixture
def idle() -> Iterator[Callable[..., Idle]]:
    with ExitStack() as stack:

        def connect(timeout: float, speaks: bool = False) -> Idle:
            ours, theirs = socket.socketpair()
            stack.enter_context(theirs)
            return Idle(stack.enter_context(ours), timeout, speaks)

        yield connect


def make_room(pending: list[Idle], kept: list[Idle], too_many: int, unregistered: tuple[Idle, ...] = ()) -> Worker:
    """A worker that has so many connections more than it may have, after it looked for places."""
    worker = Worker.__new__(Worker)
    worker.pending_conns, worker.keepalived_conns = deque(pending), deque(kept)
    worker.worker_connections, worker.nr_conns = 100, 100 - ACCEPT_BATCH + too_many
    worker.poller = selectors.DefaultSelector()
    for conn in {*pending, *kept} - {*unregistered}:
        worker.poller.register(conn.sock, selectors.EVENT_READ)
    worker._make_room()
    worker.poller.close()
    return worker


def test_who_has_just_been_let_in_stays_and_who_was_served_long_ago_goes(idle: Callable[..., Idle]) -> None:
    new, old, older = idle(30.0), idle(20.0), idle(10.0)

    worker = make_room(pending=[new], kept=[older, old], too_many=2)

    assert (new.closed, old.closed, older.closed) == (False, True, True)
    assert worker.nr_conns == 100 - ACCEPT_BATCH


def test_who_never_said_anything_goes_before_who_was_served_later(idle: Callable[..., Idle]) -> None:
    silent, served = idle(10.0), idle(20.0)

    make_room(pending=[silent], kept=[served], too_many=1)

    assert (silent.closed, served.closed) == (True, False)


def test_who_has_just_spoken_is_served_first(idle: Callable[..., Idle]) -> None:
    speaking, other = idle(10.0, speaks=True), idle(20.0)

    make_room(pending=[], kept=[speaking, other], too_many=1)

    assert (speaking.closed, other.closed) == (False, False)


def test_nobody_goes_when_nobody_is_idle(idle: Callable[..., Idle]) -> None:
    assert make_room(pending=[], kept=[], too_many=5).nr_conns == 100 - ACCEPT_BATCH + 5


def test_whom_a_thread_is_just_giving_back_stays(idle: Callable[..., Idle]) -> None:
    """It is in the list already, and not yet waited for."""
    coming = idle(10.0)

    worker = make_room(pending=[], kept=[coming], too_many=1, unregistered=(coming,))

    assert not coming.closed
    assert list(worker.keepalived_conns) == [coming]
    assert worker.nr_conns == 100 - ACCEPT_BATCH + 1
