"""Requests that wait for their CALL, and what becomes of those that wait for too long."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context, copy_context
from typing import Any

from api.gateway.driver import Row
from api.gateway.errors import TOO_BUSY, UnavailableError

QUEUE_SECONDS = 1.2
"""How long a request waits for its CALL to begin; then it is refused."""
AGAIN_SECONDS = 2.2
"""The same for one that a set left alone: the set may have waited for a row of somebody else's."""
LOOK_SECONDS = 0.1
"""How often it is looked who has waited for too long."""
MOST = 8192
"""Requests that wait in a worker; beyond that a new one is refused at once."""

Outcome = list[Row] | Exception


class Waiting:
    """A request: what for, since when, until when its CALL must begin, and whether it has. For the loop alone."""

    __slots__ = ("answer", "arguments", "asked", "begun", "context", "until")

    def __init__(self, arguments: Sequence[Any], answer: asyncio.Future[list[Row]]) -> None:
        self.arguments = arguments
        self.answer = answer
        self.asked = time.monotonic()
        self.until = self.asked + QUEUE_SECONDS
        self.begun = False
        self.context: Context = copy_context()

    def is_waiting(self) -> bool:
        """Whether its CALL has not begun, and it was not answered."""
        return not (self.begun or self.answer.done())

    def __lt__(self, other: Waiting) -> bool:
        """Whether it is refused earlier."""
        return self.until < other.until

    def settle(self, outcome: Outcome) -> None:
        """Give the answer, unless the client is gone or was refused."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class Patience:
    """All requests whose CALL has not begun: each is refused when it has waited for too long."""

    def __init__(self, refused: Callable[[], None]) -> None:
        """`refused` is called for each that is."""
        self._refused = refused
        self._waiting: deque[Waiting] = deque()
        """In the order they came, which is the order in which they are refused."""
        self._again: list[Waiting] = []
        """A heap of those that a set left alone, by when they are refused; sets do not end in the order they began."""
        self._looking = False
        self._loop = asyncio.get_running_loop()

    def admit(self, arguments: Sequence[Any]) -> Waiting:
        """A new request. Raises UnavailableError when too many wait."""
        if self._count() >= MOST:
            self._look()
            if self._count() >= MOST:
                self._refused()
                raise UnavailableError(TOO_BUSY)
        waiting = Waiting(arguments, self._loop.create_future())
        self._waiting.append(waiting)
        self._start_looking()
        return waiting

    def admit_again(self, waiting: Waiting) -> bool:
        """A request whose CALL left it alone. False: it is too late for another one, and it was refused."""
        waiting.until = waiting.asked + AGAIN_SECONDS
        waiting.begun = False
        if time.monotonic() >= waiting.until:
            self._refuse(waiting)
            return False
        heapq.heappush(self._again, waiting)
        self._start_looking()
        return True

    def _count(self) -> int:
        return len(self._waiting) + len(self._again)

    def _start_looking(self) -> None:
        if not self._looking:
            self._looking = True
            self._loop.call_later(LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._look()
        if self._count() > MOST // 2:
            self._forget()
        self._looking = False
        if self._count():
            self._start_looking()

    def _look(self) -> None:
        now = time.monotonic()
        while self._waiting and _is_over(self._waiting[0], self._waiting[0].asked + QUEUE_SECONDS, now):
            first = self._waiting.popleft()
            if first.until <= now:  # else a set has left it alone, and it waits in the heap
                self._refuse(first)
        while self._again and _is_over(self._again[0], self._again[0].until, now):
            self._refuse(heapq.heappop(self._again))

    def _forget(self) -> None:
        """Drop the requests that no longer wait. There may be thousands of them behind one that still does."""
        self._waiting = deque(each for each in self._waiting if each.is_waiting())
        self._again = [each for each in self._again if each.is_waiting()]
        heapq.heapify(self._again)

    def _refuse(self, waiting: Waiting) -> None:
        if waiting.is_waiting():
            self._refused()
            waiting.settle(UnavailableError(TOO_BUSY))


def _is_over(waiting: Waiting, until: float, now: float) -> bool:
    """Whether it needs no more looks: it no longer waits, or its time is up."""
    return not waiting.is_waiting() or until <= now
