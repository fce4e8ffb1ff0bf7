"""Delivers what is due, in a worker's event loop, beside the sale and never in its way.

It has a connection to MySQL of its own, on a thread of its own, and few messages under way at once for each receiver,
so that one that hangs costs nobody anything. Whatever is not settled when a worker dies is handed out again by MySQL.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx

from api.gateway import BlockingCalls, ProcedureError, Row, UnavailableError, where_it_failed
from api.notify.post import make_client, post
from api.notify.signing import Signer

log = logging.getLogger("flashsale.api")

AT_ONCE = 16
"""Messages that a worker has under way for one receiver."""
LEASE_SECONDS = 30
"""How long a claim lasts: longer than an attempt, and than MySQL may take to note what became of it."""
POLL_SECONDS = 1.0
"""After so long without anything due, a worker asks again."""
TROUBLE_SECONDS = 5.0
"""When MySQL can't be asked."""
GATHER_SECONDS = 0.02
"""Between two claims, so that they come in batches."""
FEW = 4
"""With more buyers than that to serve, a worker sends a message every PACE_SECONDS only."""
PACE_SECONDS = 1.0
PATIENCE = 3
"""After so many failures in a row a receiver counts as dead, and one message tries it, with growing pauses."""
STOP_SECONDS = 2.0
"""At the end, so long is waited for what is under way."""


class Delivery:
    """Everything a worker does for the receivers."""

    def __init__(
        self, calls: BlockingCalls, receivers: Sequence[str], sign: Signer, buyers: Callable[[], int] = lambda: 0
    ) -> None:
        """`calls` is used by one thread only. `buyers` says how many requests the worker is serving at this moment."""
        self._calls = calls
        self._receivers = receivers
        self.sign = sign
        self.buyers = buyers
        self._thread = ThreadPoolExecutor(1, "notify")  # it begins after the fork
        self.stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._tasks = [asyncio.create_task(self._deliver())]

    async def stop(self) -> None:
        """Take nothing new; give back what does not end soon."""
        self.stopping.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.shutdown(wait=False)

    async def _deliver(self) -> None:
        while not self.stopping.is_set():
            if await self.call("set_receivers", json.dumps(list(self._receivers))) is not None:
                break
            await self.pause(TROUBLE_SECONDS)
        async with make_client(AT_ONCE * max(1, len(self._receivers))) as client:
            await asyncio.gather(*(Channel(self, client, receiver).run() for receiver in self._receivers))

    async def call(self, procedure: str, *arguments: Any) -> list[Row] | None:
        """Its rows; None when MySQL can't be asked, which the log says."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, self._calls.call, procedure, arguments)
        except ProcedureError as error:
            log.error("%s", error.log_line())
        except UnavailableError:
            pass  # the gateway has told
        return None

    async def pause(self, seconds: float) -> None:
        """So long, or until the worker stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)


class Channel:
    """The way to one receiver."""

    def __init__(self, delivery: Delivery, client: httpx.AsyncClient, receiver: str) -> None:
        self._delivery = delivery
        self._client = client
        self._receiver = receiver
        self._name = urlsplit(receiver).netloc
        self._under_way: set[asyncio.Task[None]] = set()
        self._failures = 0

    async def run(self) -> None:
        """Until the worker stops."""
        stopping = self._delivery.stopping
        while not stopping.is_set():
            claimed = await self._claim()
            for row in claimed or ():
                self._begin(row)
            if claimed is None:
                await self._delivery.pause(TROUBLE_SECONDS)
            elif self._is_dead():
                await self._delivery.pause(min(TROUBLE_SECONDS, 0.5 * 2 ** min(8, self._failures - PATIENCE)))
            elif not claimed:
                await self._wait(POLL_SECONDS * random.uniform(0.5, 1.0))
            await self._delivery.pause(PACE_SECONDS if self._is_busy() else GATHER_SECONDS)
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=STOP_SECONDS)
        for task in tuple(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _claim(self) -> list[Row] | None:
        room = (1 if self._is_busy() or self._is_dead() else AT_ONCE) - len(self._under_way)
        if room <= 0:
            return []
        return await self._delivery.call("claim_notifications", self._receiver, room, LEASE_SECONDS)

    def _begin(self, row: Row) -> None:
        task = asyncio.create_task(self._send(row))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _wait(self, seconds: float) -> None:
        """Until a message ends, which may make the next of its order due; or the worker stops; or the time is up."""
        stop = asyncio.create_task(self._delivery.stopping.wait())
        await asyncio.wait({stop, *self._under_way}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()

    def _is_busy(self) -> bool:
        return self._delivery.buyers() > FEW

    def _is_dead(self) -> bool:
        return self._failures >= PATIENCE

    async def _send(self, row: Row) -> None:
        body = row["body"]
        error: str | None = ""  # nobody tried: it is given back
        try:
            error = await post(self._client, self._receiver, self._delivery.sign(row["message_id"], body), body)
            self._say(error)
        except Exception as fault:
            error = type(fault).__name__
            log.error("a notification can't be sent: %s", where_it_failed(fault), extra={"event": "fault"})
        finally:
            settle = self._delivery.call("settle_notification", row["notification_id"], row["attempt"], error)
            await asyncio.shield(asyncio.ensure_future(settle))

    def _say(self, error: str | None) -> None:
        """Log when a receiver begins to fail, and when it works again."""
        if error is None and self._failures:
            log.info("notifications reach %s again", self._name, extra={"event": "notify"})
        elif error is not None and not self._failures:
            log.warning("notifications do not reach %s: %s; they are tried again for three days",
                        self._name, error, extra={"event": "notify"})  # fmt: skip
        self._failures = 0 if error is None else self._failures + 1
