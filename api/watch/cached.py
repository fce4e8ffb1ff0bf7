"""Something that is fetched when somebody looks at it, and once for all who look at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from api.gateway import ProcedureError, UnavailableError

T = TypeVar("T")


class Cached(Generic[T]):
    """The last answer of `fetch`, fetched anew on a thread of its own when it is `max_age` seconds old.

    `share` bounds how much of the time is spent on fetching: after a fetch of 2 s with a share of 0.02 the next one
    begins 100 s later. Nobody waits for longer than `patience` seconds. What raises is kept like an answer.
    """

    def __init__(self, fetch: Callable[[], T], max_age: float, patience: float, share: float = 1.0) -> None:
        self._fetch = fetch
        self._max_age = max_age
        self._patience = patience
        self._share = share
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None  # made after the fork, by the first who looks
        self._fetching = False
        self._next = 0.0
        self._answer: T | Exception | None = None
        self._answered_at: float | None = None
        self._last: tuple[T, float] | None = None

    def fresh(self) -> T:
        """An answer of at most `max_age` seconds. Raises what `fetch` raised, and UnavailableError when it hangs."""
        with self._changed:
            if not self._renew():
                raise UnavailableError("The database did not answer in time.")
            answer = self._answer
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[return-value]

    def last(self) -> tuple[T, float] | None:
        """The last answer that there was, and its age in seconds; None when there has been none."""
        with self._changed:
            self._renew()
            found = self._last
        return (found[0], time.monotonic() - found[1]) if found else None

    def kept(self) -> tuple[T, float] | None:
        """As `last`, without having anything fetched."""
        with self._changed:
            found = self._last
        return (found[0], time.monotonic() - found[1]) if found else None

    def _renew(self) -> bool:
        """Have it fetched when it is time. Whether nothing is under way any more."""
        if not self._fetching and time.monotonic() >= self._next:
            self._fetching = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return self._changed.wait_for(lambda: not self._fetching, self._patience)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._fetching)
            began = time.monotonic()
            answer: T | Exception
            try:
                answer = self._fetch()
            except (UnavailableError, ProcedureError) as error:
                answer = error.with_traceback(None)
            with self._changed:
                now = time.monotonic()
                if not isinstance(answer, Exception):
                    self._last = (answer, began)
                self._answer = answer
                self._next = max(began + self._max_age, now + (now - began) * (1 / self._share - 1))
                self._fetching = False
                self._changed.notify_all()
