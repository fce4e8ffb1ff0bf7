"""What the service writes to stderr: a JSON object a line, or text a line where somebody reads along.

Nothing here quotes a body, a query, a header but X-Request-ID, or the message of an exception that a request caused.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from gunicorn.glogging import Logger as GunicornLogger

from api.settings import read_settings
from api.watch.trace import Trace, current

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


class Process:
    """This process, which a fork makes another one: to ask for its id is a system call."""

    def __init__(self) -> None:
        self.id = os.getpid()
        os.register_at_fork(after_in_child=self.__init__)  # type: ignore[misc]


_clock = Clock()
_process = Process()


class Answer(msgspec.Struct, gc=False):
    """A request that was answered: at what time (since 1970), with which problem or "", after how long."""

    trace: Trace
    at: float
    method: str
    route: str
    status: int
    problem: str
    seconds: float


RequestLog = Callable[[list[Answer]], None]


def make_request_log(format_: str) -> RequestLog:
    """What writes a line for each answer, in this format, json or text.

    Lines are written together, but no more at once than a pipe takes whole: those of all workers mix well.
    """
    encode = msgspec.json.Encoder().encode

    def line(answer: Answer) -> bytes:
        trace, status = answer.trace, answer.status
        level = "info" if status < 500 else "warning" if status == 503 else "error"
        return encode(
            RequestLine(
                _clock.text(answer.at), level, "request", _process.id, trace.request_id, answer.method, answer.route,
                status, round(answer.seconds * 1000, 3), answer.problem, trace.procedure, trace.retries, trace.errno,
            )
        )  # fmt: skip

    def text(answer: Answer) -> bytes:
        trace, status = answer.trace, answer.status
        level = "INFO" if status < 500 else "WARNING" if status == 503 else "ERROR"
        now = time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(answer.at))
        parts = [
            f"[{now}] [{_process.id}] [{level}] {answer.method} {answer.route} {status}",
            answer.problem,
            f"{trace.procedure or ''} {answer.seconds * 1000:.1f} ms".lstrip(),
            f"{trace.retries} retries" if trace.retries else "",
            f"errno {trace.errno}" if trace.errno else "",
            trace.request_id,
        ]
        return " ".join(filter(None, parts)).encode()

    make = text if format_ == "text" else line

    def log_requests(answers: list[Answer]) -> None:
        lines: list[bytes] = []
        size = 0
        for answer in answers:
            made = make(answer)
            size += len(made) + 1
            if size > select.PIPE_BUF:
                _write(lines)
                lines, size = [], len(made) + 1
            lines.append(made)
        _write(lines)

    return log_requests


def _write(lines: list[bytes]) -> None:
    with suppress(OSError):  # nobody reads any more; the sale goes on
        os.write(STDERR, b"\n".join([*lines, b""]))


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
        if trace := current.get():
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


class Logger(GunicornLogger):  # type: ignore[misc]
    """gunicorn's logger, in the format of the others."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn once it has its settings."""
        super().setup(cfg)
        formatter = make_formatter(choose_format(read_settings().log_format))
        for handler in self.error_log.handlers:
            handler.setFormatter(formatter)
