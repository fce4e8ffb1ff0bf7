"""Requests that wait for their CALL, and what becomes of those that wait for too long."""

from __future__ import annotations

import asyncio
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

    def settle(self, outcome: Outcome) -> None:
        """Give the answer, unless the client is gone or was refused."""
        if self.answer.done():
            return
        if isinstance(outcome, Exception):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class Patience:
    """All requests whose CALL has not begun, the oldest first: each is refused when it has waited for too long."""

    def __init__(self, refused: Callable[[], None]) -> None:
        """`refused` is called for each that is."""
        self._refused = refused
        self._waiting: deque[Waiting] = deque()
        self._looking = False
        self._loop = asyncio.get_running_loop()

    def admit(self, arguments: Sequence[Any]) -> Waiting:
        """A new request. Raises UnavailableError when too many wait."""
        if len(self._waiting) >= MOST:
            self._look()
            if len(self._waiting) >= MOST:
                self._refused()
                raise UnavailableError(TOO_BUSY)
        waiting = Waiting(arguments, self._loop.create_future())
        self._waiting.append(waiting)
        self._start_looking()
        return waiting

    def admit_again(self, waiting: Waiting) -> bool:
        """A request whose CALL left it alone. False: it is too late for another one, and it was refused."""
        waiting.until = waiting.asked + AGAIN_SECONDS
        if time.monotonic() >= waiting.until:
            self._refuse(waiting)
            return False
        waiting.begun = False
        self._waiting.appendleft(waiting)
        self._start_looking()
        return True

    def _start_looking(self) -> None:
        if not self._looking:
            self._looking = True
            self._loop.call_later(LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._look()
        self._looking = False
        if self._waiting:
            self._start_looking()

    def _look(self) -> None:
        now = time.monotonic()
        waiting = self._waiting
        while waiting and (waiting[0].begun or waiting[0].answer.done() or waiting[0].until <= now):
            first = waiting.popleft()
            if not first.begun:
                self._refuse(first)

    def _refuse(self, waiting: Waiting) -> None:
        if not waiting.answer.done():
            self._refused()
            waiting.settle(UnavailableError(TOO_BUSY))
