"""What the service writes to stderr: a JSON object a line, or text a line where somebody reads along.

Nothing here quotes a body, a query, a header but X-Request-ID, or the message of an exception that a request caused.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from gunicorn.glogging import Logger as GunicornLogger

from api.operation import read_operation
from api.watch.trace import trace

TEXT = "[%(asctime)s] [%(process)d] [%(levelname)s] %(message)s"
STDERR = 2


class RequestLine(msgspec.Struct, omit_defaults=True):
    """The one line of a request. What does not apply is left out, such as `problem` of a success."""

    time: str
    level: str
    event: str
    pid: int
    request_id: str
    method: str
    route: str
    status: int
    duration_ms: float
    problem: str = ""
    procedure: str | None = None
    retries: int = 0
    errno: int = 0


class Clock:
    """The time as RFC 3339 with milliseconds; the text of a second is made once."""

    def __init__(self) -> None:
        self._second = (0, "")

    def text(self, now: float) -> str:
        """`now` is seconds since 1970."""
        second, prefix = self._second
        if second != int(now):
            second = int(now)
            prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
            self._second = (second, prefix)
        return f"{prefix}{int((now - second) * 1000):03d}Z"


_clock = Clock()


def make_request_log(format_: str) -> Callable[[str, str, int, str, float], None]:
    """A function that writes the line of the thread's request, in one write: method, route, status, slug, seconds."""
    encode = msgspec.json.Encoder().encode
    write = os.write

    def line(method: str, route: str, status: int, problem: str, seconds: float) -> bytes:
        level = "info" if status < 500 else "warning" if status == 503 else "error"
        return encode(
            RequestLine(
                _clock.text(time.time()), level, "request", os.getpid(), trace.request_id, method, route, status,
                round(seconds * 1000, 3), problem, trace.procedure, trace.retries, trace.errno,
            )
        ) + b"\n"  # fmt: skip

    def text(method: str, route: str, status: int, problem: str, seconds: float) -> bytes:
        level = "INFO" if status < 500 else "WARNING" if status == 503 else "ERROR"
        now = time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime())
        parts = [
            f"[{now}] [{os.getpid()}] [{level}] {method} {route} {status}",
            problem,
            f"{trace.procedure or ''} {seconds * 1000:.1f} ms".lstrip(),
            f"{trace.retries} retries" if trace.retries else "",
            f"errno {trace.errno}" if trace.errno else "",
            trace.request_id,
        ]
        return (" ".join(filter(None, parts)) + "\n").encode()

    make = text if format_ == "text" else line

    def log_request(method: str, route: str, status: int, problem: str, seconds: float) -> None:
        with suppress(OSError):  # nobody reads any more; the sale goes on
            write(STDERR, make(method, route, status, problem, seconds))

    return log_request


class JsonFormatter(logging.Formatter):
    """A log record as a JSON object, with the request it belongs to."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": _clock.text(record.created),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "message"),
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if trace.request_id:
            line["request_id"] = trace.request_id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def make_formatter(format_: str) -> logging.Formatter:
    """The formatter of every line but a request's own."""
    if format_ == "json":
        return JsonFormatter()
    formatter = logging.Formatter(TEXT, "%Y-%m-%d %H:%M:%S +0000")
    formatter.converter = time.gmtime
    return formatter


def choose_format(wanted: str | None) -> str:
    """What was asked for; else text where stderr is a terminal, and JSON anywhere else."""
    return wanted or ("text" if sys.stderr.isatty() else "json")


def where_it_failed(error: BaseException) -> str:
    """The types of an exception and of its causes with the lines of code they passed: no messages, they quote data."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None and len(parts) < 10:
        frames = "".join(traceback.format_tb(link.__traceback__))
        parts.append(f"{type(link).__module__}.{type(link).__qualname__}\n{frames}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "caused by ".join(parts)


class Logger(GunicornLogger):  # type: ignore[misc]
    """gunicorn's logger, in the format of the others."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn once it has its settings."""
        super().setup(cfg)
        formatter = make_formatter(choose_format(read_operation().log_format))
        for handler in self.error_log.handlers:
            handler.setFormatter(formatter)
