"""Who is told what the gateway does, and the log lines for the operator."""

from __future__ import annotations

import logging
import time
import traceback
from typing import Protocol

log = logging.getLogger("flashsale.api")


class Observer(Protocol):
    """Told from the thread that makes the CALL, in the context of its request where it has one."""

    def called(self, procedure: str, seconds: float) -> None:
        """A CALL ended, with its repeats, however it did. Of a set each request is told, and the set."""

    def retried(self, cause: str, errno: int) -> None:
        """An attempt failed with MySQL's `errno` and is repeated."""

    def connected(self, change: int) -> None:
        """A connection was opened (1) or closed (-1)."""


class Unobserved:
    """Nobody is told."""

    def called(self, procedure: str, seconds: float) -> None:
        """A CALL ended."""

    def retried(self, cause: str, errno: int) -> None:
        """An attempt is repeated."""

    def connected(self, change: int) -> None:
        """A connection was opened or closed."""


class Reports:
    """Log lines, each errno at most once a second."""

    def __init__(self) -> None:
        self._reported: dict[int, float] = {}

    def __call__(self, errno: int, line: str) -> None:
        """Log for the operator."""
        now = time.monotonic()
        if now - self._reported.get(errno, -1.0) >= 1.0:
            self._reported[errno] = now
            log.error("%s", line)


def where_it_failed(error: BaseException) -> str:
    """The types of an exception and of its causes with the lines of code they passed: no messages, they quote data."""
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None and len(parts) < 10:
        frames = "".join(traceback.format_tb(link.__traceback__))
        parts.append(f"{type(link).__module__}.{type(link).__qualname__}\n{frames}")
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "caused by ".join(parts)
