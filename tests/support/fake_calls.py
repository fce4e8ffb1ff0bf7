"""Stands for MySQL where the gateway's own turns are tested: each CALL ends when the test says so."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from api.gateway.asynchronous import AsyncGateway

Rows = list[dict[str, Any]]


class Called:
    """A CALL that was made and waits for its end."""

    def __init__(self, procedure: str, arguments: Sequence[Any]) -> None:
        self.procedure = procedure
        self.arguments = list(arguments)
        self._ended = threading.Event()
        self._outcome: Rows | Exception = []

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What a set asks for."""
        return list(json.loads(self.arguments[0]))

    @property
    def keys(self) -> list[str]:
        """The idempotency keys of what it asks for."""
        return [each["idempotency_key"] for each in self.requests] if len(self.arguments) == 1 else [self.arguments[-1]]

    def end(self, outcome: Rows | Exception | None = None) -> None:
        """Answer it; without an outcome everything is done, each row with the key of its request."""
        if outcome is None:
            outcome = [{"answer": "done", "key": key} for key in self.keys]
        self._outcome = outcome
        self._ended.set()

    def wait(self) -> Rows:
        """In the thread of the CALL."""
        assert self._ended.wait(10), "nobody ended this CALL"
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class FakeCalls:
    """Remembers every CALL, in the order they began."""

    def __init__(self) -> None:
        self.calls: list[Called] = []

    def call(self, procedure: str, arguments: Sequence[Any], asked: float) -> Rows:
        """Make a CALL, and wait until the test ends it."""
        called = Called(procedure, arguments)
        self.calls.append(called)
        return called.wait()

    async def called(self, count: int) -> list[Called]:
        """All CALLs, as soon as there are so many."""
        await until(lambda: len(self.calls) >= count)
        assert len(self.calls) == count, [(each.procedure, each.arguments) for each in self.calls]
        return self.calls


async def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Give the loop its turns until the condition holds; fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)


async def turns() -> None:
    """Some turns of the loop, in which what was to happen has happened."""
    for _ in range(5):
        await asyncio.sleep(0)


class Gate:
    """A gateway over fakes: one for sets, one for everything else."""

    def __init__(self, connections: int = 16) -> None:
        self.sets = FakeCalls()
        self.ones = FakeCalls()
        self.gateway = AsyncGateway(self.sets, self.ones, connections=connections)

    def hold(self, key: str, product: int = 1) -> "asyncio.Task[Rows]":
        """Ask for a hold."""
        return self.ask("create_hold", product, 1, None, key)

    def ask(self, procedure: str, *arguments: Any) -> "asyncio.Task[Rows]":
        """Ask for any CALL."""
        return asyncio.ensure_future(self.gateway.call(procedure, arguments))

    async def busy(self) -> list[Called]:
        """Two sets of one under way, so that what comes next waits; they are to be ended by the test."""
        for number in range(4):
            self.hold(f"busy-{number}")
            await until(lambda number=number: len(self.ones.calls) + len(self.sets.calls) == number + 1)  # type: ignore[misc]
        return [*self.ones.calls, *self.sets.calls]
