"""Sees every request and every CALL once, and has them counted and logged."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from time import perf_counter, time

import falcon
from falcon.asgi import Request, Response

from api.watch.logs import Answer, RequestLog
from api.watch.meters import Meters
from api.watch.trace import Trace, current, request_id

log = logging.getLogger("flashsale.api")

UNREADABLE = "unreadable"
"""The route of what is no HTTP, or beyond its limits, or found no place in time."""
UNKNOWN = "unknown"
"""The route of an address that does not exist."""
_METHODS = frozenset(falcon.HTTP_METHODS)


class Telemetry:
    """What the application and the gateway report to.

    What ends in one turn of the event loop, such as the requests of a set, is counted and logged together right after
    it: for each by itself that would cost as much as a third of all that is done for a request.
    """

    def __init__(self, meters: Meters, log_requests: RequestLog, slow_call_seconds: float) -> None:
        self.meters = meters
        self._log_requests = log_requests
        self._slow_call_seconds = slow_call_seconds
        self._answers: list[Answer] = []
        self._calls: defaultdict[str, list[float]] = defaultdict(list)
        self._due = False

    def begin(self, req: Request) -> None:
        """A request arrived; before anything else looks at it."""
        current.set(Trace(request_id(req.get_header("X-Request-ID")), perf_counter()))

    def end(self, req: Request, resp: Response) -> None:
        """Its answer is ready, from a responder or a refusal."""
        trace = current.get()
        assert trace
        resp.set_header("X-Request-ID", trace.request_id)
        method = req.method
        self._note(
            trace,
            method if method in _METHODS else "other",
            req.uri_template or str(getattr(resp.context, "route", UNKNOWN)),
            resp.status_code,
            getattr(resp.context, "problem", ""),
            perf_counter() - trace.began,
        )

    def called(self, procedure: str, seconds: float) -> None:
        """A CALL ended, with its retries, however it did; told in the loop, or in the thread that made it."""
        trace = current.get()
        if trace:
            trace.procedure = procedure
        if asyncio._get_running_loop():
            self._calls[procedure].append(seconds)
            self._write_down_soon()
        else:
            self.meters.called(procedure, [seconds])
        if seconds >= self._slow_call_seconds:
            _tell_slow_call(procedure, seconds, trace)

    def retried(self, cause: str, errno: int) -> None:
        """A CALL is repeated, since MySQL said `errno`."""
        self.meters.retried(cause)
        trace = current.get()
        if trace:
            trace.retries += 1
            trace.errno = errno

    def connected(self, change: int) -> None:
        """A connection to MySQL was opened (1) or closed (-1)."""
        self.meters.connected(change)

    def write_down(self) -> None:
        """Count and log what has ended. Only in the loop."""
        self._due = False
        answers, self._answers = self._answers, []
        calls, self._calls = self._calls, defaultdict(list)
        for procedure, seconds in calls.items():
            self.meters.called(procedure, seconds)
        if answers:
            self.meters.answered(answers)
            self._log_requests(answers)

    def _write_down_soon(self) -> None:
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.write_down)

    def _note(self, trace: Trace, method: str, route: str, status: int, problem: str, seconds: float) -> None:
        self._answers.append(Answer(trace, time(), method, route, status, problem, seconds))
        self._write_down_soon()


def _tell_slow_call(procedure: str, seconds: float, trace: Trace | None) -> None:
    retries, errno = (trace.retries, trace.errno) if trace else (0, 0)
    log.warning(
        "slow CALL %s: %.0f ms, %d retries%s; what it waits for: sys.innodb_lock_waits, sys.session, the disk",
        procedure,
        seconds * 1000,
        retries,
        f" (last errno {errno})" if errno else "",
        extra={
            "event": "slow_call",
            "fields": {"procedure": procedure, "duration_ms": round(seconds * 1000, 3), "retries": retries},
        },
    )
