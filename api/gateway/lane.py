"""Threads that make CALLs for the event loop, each over a connection of its own."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextvars import Context
from queue import SimpleQueue
from typing import Any

from api.gateway.driver import Row
from api.gateway.errors import TOO_BUSY, UnavailableError
from api.gateway.waiting import Outcome, Waiting

Call = Callable[[str, Sequence[Any], float], list[Row]]


class Job:
    """A CALL to make, the requests it is for, and who gets its rows, or what it raised.

    context: of the request, or of the first who shares it; what observes the CALL finds it there. A set has none.
    """

    __slots__ = ("arguments", "context", "done", "number", "procedure", "waiters")

    def __init__(
        self,
        procedure: str,
        arguments: Sequence[Any],
        waiters: list[Waiting],
        done: Callable[[Outcome], None],
        context: Context | None = None,
    ) -> None:
        self.procedure = procedure
        self.arguments = arguments
        self.waiters = waiters
        self.done = done
        self.context = context
        self.number = 0
        """Its place among all that were submitted to a lane."""

    def is_wanted(self) -> bool:
        """Whether a request still waits for it."""
        return any(not each.answer.done() for each in self.waiters)

    def begin(self) -> None:
        """Its CALL begins: from here on none of its requests is refused for having waited too long."""
        for each in self.waiters:
            each.begun = True


class Lane:
    """At most `connections` CALLs at once, and of each procedure at most `share`. For the loop alone.

    Jobs begin in the order they came; one whose procedure has its share is in nobody's way. Threads and their
    connections are made when they are needed first: after the fork.
    """

    def __init__(self, call: Call, name: str, connections: int, share: int) -> None:
        self._call = call
        self._name = name
        self._free = connections
        self._share = share
        self._idle_threads = 0
        self._under_way: Counter[str] = Counter()
        self._submitted = 0
        self._waiting: dict[str, deque[Job]] = {}
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._loop = asyncio.get_running_loop()

    def submit(self, job: Job) -> None:
        """Make the CALL as soon as a connection is free, if anybody still wants it; `done` is called in the loop."""
        self._submitted += 1
        job.number = self._submitted
        if self._free and self._under_way[job.procedure] < self._share:
            self._begin(job)
        else:
            self._waiting.setdefault(job.procedure, deque()).append(job)

    def _begin(self, job: Job) -> None:
        job.begin()
        self._free -= 1
        self._under_way[job.procedure] += 1
        if self._idle_threads:
            self._idle_threads -= 1
        else:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        call, loop, jobs = self._call, self._loop, self._jobs
        while True:
            job = jobs.get()
            outcome: Outcome
            try:
                asked = job.waiters[0].asked
                if job.context is None:
                    outcome = call(job.procedure, job.arguments, asked)
                else:
                    outcome = job.context.run(call, job.procedure, job.arguments, asked)
            except Exception as error:
                outcome = error
            try:
                loop.call_soon_threadsafe(self._finish, job, outcome)
            except RuntimeError:  # the loop has ended: nobody waits any more
                return

    def _finish(self, job: Job, outcome: Outcome) -> None:
        self._free += 1
        self._idle_threads += 1
        self._under_way[job.procedure] -= 1
        try:
            job.done(outcome)
        except Exception as error:  # what MySQL gave is not what was asked for: nobody may wait for it without end
            for each in job.waiters:
                each.settle(error)
        self._begin_waiting()

    def _begin_waiting(self) -> None:
        while self._free and (job := self._take_first()):
            if job.is_wanted():
                self._begin(job)
            else:
                job.done(UnavailableError(TOO_BUSY))

    def _take_first(self) -> Job | None:
        """Of the procedures that do not have their share, the job that has waited longest."""
        lines = [
            waiting
            for procedure, waiting in self._waiting.items()
            if waiting and self._under_way[procedure] < self._share
        ]
        return min(lines, key=lambda waiting: waiting[0].number).popleft() if lines else None
