"""CALLs that were given up: each is ended, so that nothing happens afterwards that its caller was refused."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from api.gateway.observer import where_it_failed

log = logging.getLogger("flashsale.api")

S = TypeVar("S", bound=Hashable)
"""What names a session."""

PATIENCE_SECONDS = 60.0
"""How long it is tried. A MySQL that hangs for longer does the CALL when it goes on; the key makes a repeat safe."""
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Ending:
    """A session to end: when it was opened, and until when it is tried (both monotonic)."""

    opened: float
    until: float
    gone: threading.Event = field(default_factory=threading.Event)


class Endings(Generic[S]):
    """Sessions on their way out, on one thread for all of them, made when the first one comes: after the fork."""

    def __init__(self, end: Callable[[Mapping[S, float]], set[S]]) -> None:
        """`end` takes sessions with when they were opened, has MySQL end them, and returns those that are gone."""
        self._end = end
        self._queue: SimpleQueue[tuple[S, Ending]] = SimpleQueue()
        self._waiting: dict[S, Ending] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, session: S, opened: float) -> threading.Event:
        """Have it ended as soon as that can be done; the event is set when it is gone."""
        ending = Ending(opened, time.monotonic() + PATIENCE_SECONDS)
        self._queue.put((session, ending))
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="endings", daemon=True)
                self._thread.start()
        return ending.gone

    def under_way(self, counts: Callable[[S], bool] = lambda session: True) -> bool:
        """Whether MySQL is still at something that was given up, in a session that counts."""
        return any(counts(session) for session in list(self._waiting)) or not self._queue.empty()

    def _work(self) -> None:
        waiting = self._waiting
        pause = FIRST_PAUSE_SECONDS
        while True:
            if self._take(pause if waiting else None):
                pause = FIRST_PAUSE_SECONDS
            try:
                gone = self._end({session: ending.opened for session, ending in waiting.items()})
            except Exception as error:
                log.error("A CALL that was given up was not ended: %s", where_it_failed(error))
                gone = set()
            for session in gone & waiting.keys():
                waiting.pop(session).gone.set()
            for session in [session for session, ending in waiting.items() if ending.until < time.monotonic()]:
                del waiting[session]
                log.error("A CALL was given up, and its session %s could not be ended in MySQL: look at it", session)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _take(self, patience: float | None) -> bool:
        """Add what has come, after `patience` seconds at most (None: whenever it comes). Whether something has."""
        try:
            session, ending = self._queue.get(timeout=patience)
        except Empty:
            return False
        self._waiting[session] = ending
        while not self._queue.empty():
            session, ending = self._queue.get()
            self._waiting[session] = ending
        return True
