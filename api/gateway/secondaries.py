"""Reads from the nodes of a group that do not sell, not older than a bound; what they can't answer is the primary's.

How old: the node that sells is asked what it has, and then a secondary whether it has all of that (compare_node). From
then on a read there has everything that was acknowledged before the first of these questions. Both ends of that time
are of this process's clock, so the clocks of the nodes do not matter.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import math
import threading
import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from api.gateway.asynchronous import AsyncGateway, Calls
from api.gateway.driver import Driver, Row
from api.gateway.errors import SIGNAL_CLASS, ProcedureError, UnavailableError, fields
from api.gateway.observer import Observer, Reports, Unobserved, where_it_failed
from api.gateway.primary import PRIMARY, Primary
from sql.server.urls import Url

log = logging.getLogger("flashsale.api")

ANSWER_SECONDS = 0.25
"""How long a secondary may take. What then is left of the time that a buyer is promised is enough for the primary."""
LOOKS = 4
"""In the time that a read may be old, the nodes are asked so often."""
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
SILENT_SECONDS = 5.0
"""So long a secondary that did not answer is left alone: a question to it may hang for a second, and others wait."""
TIMEOUT_SECONDS = 1
NEVER = -math.inf

age_ms: ContextVar[int | None] = ContextVar("age_ms", default=None)
"""Of the last read of the running task: how old it may be at most; None when the node that sells answered."""


class Aged(list[Row]):
    """Rows, and a moment (monotonic) such that nothing is missing in them that was acknowledged before."""

    def __init__(self, rows: list[Row], true_at: float) -> None:
        super().__init__(rows)
        self.true_at = true_at


class Secondary:
    """CALLs on one node, each thread over a connection of its own. `true_at`: it has all that was acknowledged then."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.true_at = NEVER
        self.silent_until = NEVER
        self._own = threading.local()

    def call(self, procedure: str, arguments: Sequence[Any], asked: float) -> list[Row]:
        """Its rows. Raises ProcedureError or UnavailableError; none of them is an answer for a client."""
        true_at = self.true_at
        try:
            connection = getattr(self._own, "connection", None)
            if connection is None:
                connection = self._own.connection = self.driver.log_in()
            return Aged(self.driver.run(connection, procedure, arguments), true_at)
        except self.driver.Error as error:
            errno, sqlstate, message = fields(error)
            if sqlstate.startswith(SIGNAL_CLASS):
                raise ProcedureError(procedure, errno, sqlstate, message) from None
            self.drop()
            raise UnavailableError(f"{message} (errno {errno})", errno) from None

    def drop(self) -> None:
        """Close this thread's connection."""
        connection, self._own.connection = getattr(self._own, "connection", None), None
        if connection is not None:
            with contextlib.suppress(self.driver.Error):
                connection.close()


class SecondaryReads:
    """Procedures that only read, CALLed on a secondary that is not older than the bound, else through `sale`.

    One thread of the process asks all nodes in turn. While no node sells it asks none, as the look for the primary
    does then: the driver crashed when several threads connected to ports that refused them.
    """

    def __init__(
        self,
        sale: Calls,
        url: Url,
        primary: Primary,
        max_age_ms: int,
        observer: Observer | None = None,
        connections: int = 16,
    ) -> None:
        """`connections` as of a gateway for the sale: an eighth of them, on each node."""
        self._sale = sale
        self._primary = primary
        self._max_age_ms = max_age_ms
        self._report = Reports()
        self._nodes = [Secondary(Driver(node, TIMEOUT_SECONDS, TIMEOUT_SECONDS, self._report)) for node in url.nodes]
        self._gateways = [AsyncGateway(node, node, observer or Unobserved(), connections) for node in self._nodes]
        self._turn = itertools.count()
        self._thread: threading.Thread | None = None

    async def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """CALL it and return its one result set; age_ms then says how old that is. Raises as the gateway `sale`."""
        age_ms.set(None)
        self._begin()
        number = self._young_enough()
        if number is not None:
            rows = await self._read(number, procedure, arguments)
            if rows is not None:
                return rows
        return await self._sale.call(procedure, arguments)

    async def _read(self, number: int, procedure: str, arguments: Sequence[Any]) -> list[Row] | None:
        """Rows of a secondary that are young enough, else None: then the node that sells is asked."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                rows = await self._gateways[number].call(procedure, arguments)
        except ProcedureError:
            return None
        except (TimeoutError, UnavailableError):
            self._nodes[number].true_at = NEVER
            return None
        age = self._age_ms(rows.true_at) if isinstance(rows, Aged) else math.inf
        if age > self._max_age_ms:
            return None
        age_ms.set(math.ceil(age))
        return rows

    def _young_enough(self) -> int | None:
        """The number of a node, of several the next in turn."""
        count = len(self._nodes)
        turn = next(self._turn)
        for number in ((turn + offset) % count for offset in range(count)):
            if self._age_ms(self._nodes[number].true_at) <= self._max_age_ms:
                return number
        return None

    def _age_ms(self, true_at: float) -> float:
        return (time.monotonic() - true_at) * 1000

    def _begin(self) -> None:
        """Make the thread, when it is needed first: after the fork."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="secondaries", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        pause = min(max(self._max_age_ms / 1000 / LOOKS, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS)
        while True:
            try:
                self._look()
            except Exception as error:
                log.error("The look for secondaries failed: %s", where_it_failed(error))
            time.sleep(pause)

    def _look(self) -> None:
        """Ask the node that sells what it has, and the others whether they have that."""
        sells = self._primary.known()
        if sells is None:
            return
        began = time.monotonic()
        [primary] = [node for node in self._nodes if node.driver.url == sells]
        said = self._compare(primary, None)
        if said is None or said["role"] != PRIMARY:
            return
        primary.true_at = NEVER
        for node in self._nodes:
            if node is primary or time.monotonic() < node.silent_until:
                continue
            answer = self._compare(node, said["executed"])
            if answer is None:
                node.silent_until = time.monotonic() + SILENT_SECONDS
            elif answer["complete"]:
                node.true_at = began

    def _compare(self, node: Secondary, executed: str | None) -> Row | None:
        try:
            return node.call("compare_node", (executed,), 0.0)[0]
        except (ProcedureError, UnavailableError) as error:
            self._report(0, f"node {node.driver.url.place} does not tell what it has: {error}")
            return None
