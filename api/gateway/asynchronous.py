"""The gateway of the event loop: sets for buyers who come together, shared reads, and one CALL each for the rest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Protocol

from api.gateway.blocking import Gateway
from api.gateway.driver import Row
from api.gateway.lane import Job, Lane
from api.gateway.observer import Observer, Reports, Unobserved
from api.gateway.primary import Primary
from api.gateway.reads import SHARED, SharedRead
from api.gateway.sets import SETS, Line
from api.gateway.waiting import QUEUE_SECONDS, Patience
from sql.server.urls import Url

KEPT = 256
"""Lines and shared reads that are kept; beyond that those in which nothing happens are forgotten."""


class Calls(Protocol):
    """What the translator needs of a gateway."""

    async def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """CALL a procedure and return its one result set. Raises ProcedureError or UnavailableError."""


class AskedCalls(Protocol):
    """CALLs that a thread waits for, with the time (monotonic) at which they were asked for."""

    def call(self, procedure: str, arguments: Sequence[Any], asked: float, /) -> list[Row]:
        """CALL a procedure and return its one result set. Raises ProcedureError or UnavailableError."""


def make_gateway(
    url: Url, observer: Observer | None = None, connections: int = 16, primary: Primary | None = None
) -> AsyncGateway:
    """A gateway to the MySQL of a URL; of several nodes to the `primary`, as the process has one look for it.

    Raises RuntimeError when the driver can't be loaded.
    """
    observer, primary = observer or Unobserved(), primary or Primary(url)
    for_sets = Gateway(url, observer, primary=primary)
    return AsyncGateway(for_sets, Gateway(url, _OfRequests(observer), primary=primary), observer, connections)


class AsyncGateway:
    """CALLs procedures for the requests of one event loop, over `connections` connections at most.

    Half of them are for sets, an eighth for reads, the others for one CALL each, so that none of these has to wait for
    another. Whatever is asked begins within QUEUE_SECONDS, or is refused.
    """

    def __init__(
        self, for_sets: AskedCalls, for_one: AskedCalls, observer: Observer | None = None, connections: int = 16
    ) -> None:
        self._for_sets = for_sets
        self._for_one = for_one
        self._observer = observer or Unobserved()
        self._connections = connections
        self._report = Reports()
        self._lines: dict[tuple[str, Any], Line] = {}
        self._shared: dict[tuple[str, Sequence[Any]], SharedRead] = {}
        self._began = False
        self.waiting = 0
        """Requests that wait for their rows at this moment."""

    async def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """CALL a procedure, alone or in a set, and return its one result set, a dict a row.

        Who shared a read get the same list. Raises ProcedureError for what the procedure SIGNALs and for faults,
        UnavailableError when MySQL can't serve it in time.
        """
        if not self._began:
            self._begin()
        waiting = self._patience.admit(arguments)
        if procedure in SETS:
            self._line(procedure, arguments).ask(waiting)
        elif procedure in SHARED:
            self._read(procedure, arguments).ask(waiting)
        else:
            self._singles.submit(Job(procedure, arguments, [waiting], waiting.settle, waiting.context))
        self.waiting += 1
        try:
            return await waiting.answer
        finally:
            self.waiting -= 1
            self._observer.called(procedure, time.monotonic() - waiting.asked)
            del waiting  # It has what was raised, which has this frame: a circle that would wait for the collector.

    def _begin(self) -> None:
        """In the running loop: after the fork."""
        total = self._connections
        sets, reads = max(total // 2, 1), max(total // 8, 1)
        singles = max(total - sets - reads, 1)
        self._patience = Patience(self._refused)
        self._sets = Lane(self._for_sets.call, "sets", sets, max(sets // 2, 1))
        self._reads = Lane(self._for_one.call, "reads", reads, reads)
        self._singles = Lane(self._for_one.call, "singles", singles, max(singles // 2, 1))
        self._began = True

    def _refused(self) -> None:
        self._report(0, f"overloaded: requests waited {QUEUE_SECONDS} s for their CALL and were refused")

    def _line(self, procedure: str, arguments: Sequence[Any]) -> Line:
        together = SETS[procedure]
        shared = None if together.shared is None else arguments[together.shared]
        line = self._lines.get((procedure, shared))
        if line is None:
            _forget_idle(self._lines)
            line = Line(procedure, together, self._sets, self._singles, self._patience)
            self._lines[procedure, shared] = line
        return line

    def _read(self, procedure: str, arguments: Sequence[Any]) -> SharedRead:
        key = procedure, tuple(arguments)
        read = self._shared.get(key)
        if read is None:
            _forget_idle(self._shared)
            read = self._shared[key] = SharedRead(procedure, arguments, self._reads)
        return read


class _OfRequests:
    """Passes on what happens to a request's own CALL, whose end the gateway tells itself."""

    def __init__(self, observer: Observer) -> None:
        self.retried = observer.retried
        self.connected = observer.connected

    def called(self, procedure: str, seconds: float) -> None:
        """Told by the gateway, with the time that the request waited."""


def _forget_idle(kept: dict[Any, Any]) -> None:
    if len(kept) >= KEPT:
        for key in [key for key, each in kept.items() if each.is_idle()]:
            del kept[key]
