"""What is being done for which request: filled on its way, read by the log lines that it leaves."""

from __future__ import annotations

import re
from contextvars import ContextVar
from random import getrandbits

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


class Trace:
    """A request under way."""

    __slots__ = ("began", "errno", "procedure", "request_id", "retries")

    def __init__(self, request_id: str, began: float) -> None:
        """`began` is of time.perf_counter."""
        self.request_id = request_id
        self.began = began
        self.procedure: str | None = None
        self.retries = 0
        self.errno = 0


current: ContextVar[Trace | None] = ContextVar("current", default=None)
"""The request of the running task; None outside of one, as in a thread that works for several."""


def request_id(offered: str | None = None) -> str:
    """The offered id if it has 1 to 128 harmless characters, else a new one. It identifies; it is no secret."""
    if offered is not None and _REQUEST_ID.fullmatch(offered):
        return offered
    return f"{getrandbits(128):032x}"
