"""Reads that are asked for at the same time share a CALL, which begins after the last of them was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from api.gateway.lane import Job, Lane
from api.gateway.waiting import Outcome, Waiting

SHARED = frozenset({"get_product", "list_products", "health_check"})
"""Procedures that change nothing, and whose answer depends on nothing but their arguments and the moment."""
MOST_REST_SECONDS = 0.1
"""How long a read rests after its CALL at most; else for as long as that took."""


class SharedRead:
    """One procedure with its arguments. For the loop alone.

    Who asks while the CALL is under way, or rests, waits for the next one: what they are told was read after they
    asked. To count the units of many live holds takes MySQL milliseconds, and one CALL right after the other would keep
    a thread of it busy all the time. So those who look leave half of that to those who buy.
    """

    def __init__(self, procedure: str, arguments: Sequence[Any], reads: Lane) -> None:
        self._procedure = procedure
        self._arguments = arguments
        self._reads = reads
        self._waiting: list[Waiting] = []
        self._under_way = False
        self._rests_until = 0.0
        self._loop = asyncio.get_running_loop()

    def ask(self, waiting: Waiting) -> None:
        """Have it answered by the next CALL: at the end of this turn of the loop, unless one is under way or rests."""
        if not self._waiting and not self._under_way:
            self._send_soon()
        self._waiting.append(waiting)

    def is_idle(self) -> bool:
        """Whether nobody waits and nothing is under way."""
        return not self._waiting and not self._under_way

    def _send_soon(self) -> None:
        rest = self._rests_until - self._loop.time()
        if rest > 0:
            self._loop.call_later(rest, self._send)
        else:
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        group = [each for each in self._waiting if not each.answer.done()]
        self._waiting = []
        if not group:
            return
        self._under_way = True
        began = self._loop.time()

        def done(outcome: Outcome) -> None:
            self._under_way = False
            ended = self._loop.time()
            self._rests_until = ended + min(ended - began, MOST_REST_SECONDS)
            for each in group:
                each.settle(outcome)
            if self._waiting:
                self._send_soon()

        self._reads.submit(Job(self._procedure, self._arguments, group, done, group[0].context))
