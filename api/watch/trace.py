"""What the thread is doing for which request: filled on its way, read by the log line at its end."""

from __future__ import annotations

import re
import threading
import time
from random import getrandbits

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


class Trace(threading.local):
    """The request of the calling thread. `request_id` is empty between requests."""

    request_id = ""
    began = 0.0
    procedure: str | None = None
    retries = 0
    errno = 0

    def begin(self, offered: str | None) -> None:
        """A request begins. The id it came with is kept when it is one, else it gets its own."""
        self.request_id = request_id(offered)
        self.procedure = None
        self.retries = self.errno = 0
        self.began = time.perf_counter()


trace = Trace()


def request_id(offered: str | None = None) -> str:
    """The offered id if it has 1 to 128 harmless characters, else a new one. It identifies; it is no secret."""
    if offered is not None and _REQUEST_ID.fullmatch(offered):
        return offered
    return f"{getrandbits(128):032x}"
