"""Sees every request and every CALL once, and has them counted and logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import falcon

from api.watch.meters import Meters
from api.watch.trace import trace

log = logging.getLogger("flashsale.api")

UNREADABLE = "unreadable"
"""The route of what the worker refused: what is no HTTP, and what no thread was free for in time."""
UNKNOWN = "unknown"
"""The route of an address that does not exist."""
_METHODS = frozenset(falcon.HTTP_METHODS)

RequestLog = Callable[[str, str, int, str, float], None]


class Telemetry:
    """Falcon middleware around every request, and what the gateway and the worker report to."""

    def __init__(self, meters: Meters, log_request: RequestLog, slow_call_seconds: float) -> None:
        self.meters = meters
        self._log_request = log_request
        self._slow_call_seconds = slow_call_seconds

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A request arrived; before anything else looks at it."""
        trace.begin(req.env.get("HTTP_X_REQUEST_ID"))

    def process_response(self, req: falcon.Request, resp: falcon.Response, resource: object, ok: bool) -> None:
        """Its answer is ready, whoever made it."""
        resp.set_header("X-Request-ID", trace.request_id)
        method = req.method
        self._end(
            method if method in _METHODS else "other",
            req.uri_template or str(getattr(resp.context, "route", UNKNOWN)),
            resp.status_code,
            getattr(resp.context, "problem", ""),
            time.perf_counter() - trace.began,
        )

    def refused(self, status: int, problem: str) -> str:
        """The worker refused a request itself; the request id of the refusal."""
        trace.begin(None)
        made = trace.request_id
        self._end("other", UNREADABLE, status, problem, 0.0)
        return made

    def called(self, procedure: str, seconds: float) -> None:
        """A CALL ended, with its retries, however it did."""
        self.meters.called(procedure, seconds)
        if seconds >= self._slow_call_seconds:
            fields = {"procedure": procedure, "duration_ms": round(seconds * 1000, 3), "retries": trace.retries}
            log.warning(
                "slow CALL %s: %.0f ms, %d retries%s; what it waits for: sys.innodb_lock_waits, sys.session, the disk",
                procedure,
                seconds * 1000,
                trace.retries,
                f" (last errno {trace.errno})" if trace.errno else "",
                extra={"event": "slow_call", "fields": fields},
            )

    def retried(self, cause: str) -> None:
        """A CALL is repeated."""
        trace.retries += 1
        self.meters.retried(cause)

    def connected(self, change: int) -> None:
        """A connection to MySQL was opened (1) or closed (-1)."""
        self.meters.connected(change)

    def _end(self, method: str, route: str, status: int, problem: str, seconds: float) -> None:
        self.meters.answered(method, route, status, problem, seconds)
        self._log_request(method, route, status, problem, seconds)
        trace.request_id = ""
