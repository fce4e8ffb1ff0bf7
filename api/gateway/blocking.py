"""CALLs that the calling thread waits for, over a connection of its own; repeats what is safe to repeat.

docs/adr/0007-connections-and-the-driver.md has what is repeated, for how long, and why.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Mapping, Sequence
from errno import ECONNREFUSED
from typing import Any, Protocol

from api.gateway.driver import CONNECT_SECONDS, Driver, Row
from api.gateway.endings import Endings
from api.gateway.errors import (
    DEADLOCKED,
    LOCK_WAIT,
    LOST,
    LOST_CONNECTION,
    OVERLOADED,
    READ_ONLY,
    REPLACED,
    SIGNAL_CLASS,
    TOO_BUSY,
    UNANSWERED,
    UNREACHABLE,
    LockWaitError,
    ProcedureError,
    UnavailableError,
    fields,
)
from api.gateway.observer import Observer, Reports, Unobserved
from sql.server.urls import Url

READ_SECONDS = 3
"""How long a CALL may take. Then its caller is refused, and the CALL is ended."""
ROW_LOCK_SECONDS = 2
"""How long a CALL may wait for a row."""
RETRY_SECONDS = 1.2
"""No CALL is sent later than this after the gateway was asked: with READ_SECONDS and ENDING_SECONDS less than 5 s."""
ENDING_SECONDS = 0.3
"""How long a caller who is refused waits for the end of the CALL, which takes some 10 ms unless MySQL hangs."""
ATTEMPTS = 3
STALL_SECONDS = 2.0
"""After a CALL that MySQL took and did not answer, so long nobody else waits for that procedure."""
END_CALL = "end_call"
_REFUSED = f"({ECONNREFUSED})"


class BlockingCalls(Protocol):
    """What a thread needs of a gateway."""

    def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """CALL a procedure and return its one result set. Raises ProcedureError or UnavailableError."""


class Gateway:
    """CALLs procedures, retrying what is safe to retry. Every procedure of the API may be repeated."""

    def __init__(
        self,
        url: Url,
        observer: Observer | None = None,
        read_seconds: int = READ_SECONDS,
        row_lock_seconds: int = ROW_LOCK_SECONDS,
    ) -> None:
        self._report = Reports()
        self._driver = Driver(url, row_lock_seconds, read_seconds, self._report)
        self._error = self._driver.Error
        self._observer = observer or Unobserved()
        self._read_seconds = read_seconds
        self._own = threading.local()
        self._endings = Endings(self._end)
        self._unreachable_until = 0.0
        self._stalled: dict[str, float] = {}

    def call(self, procedure: str, arguments: Sequence[Any], asked: float | None = None) -> list[Row]:
        """CALL a procedure and return its one result set, a dict a row.

        asked: when the oldest request that it is for came (monotonic), which limits the repeats; None: now.
        Raises ProcedureError for what the procedure SIGNALs and for faults, UnavailableError when MySQL is down,
        overloaded, or still refuses after the retries.
        """
        began = time.monotonic()
        try:
            return self._insist(procedure, arguments, began if asked is None else asked)
        finally:
            self._observer.called(procedure, time.monotonic() - began)

    def _insist(self, procedure: str, arguments: Sequence[Any], asked: float) -> list[Row]:
        """Attempt after attempt, until there is an answer or no sense in another one."""
        began = time.monotonic()
        if self._stalled:
            self._refuse_if_stalled(procedure, began)
        attempt = 0
        while True:
            attempt += 1
            connection = getattr(self._own, "connection", None) or self._connect(asked)
            try:
                rows = self._driver.run(connection, procedure, arguments)
                if self._stalled:
                    self._stalled.pop(procedure, None)
                return rows
            except self._error as error:
                now = time.monotonic()
                pause = self._after(error, procedure, attempt, now - asked, now - began)
            except BaseException:
                self._drop()
                raise
            time.sleep(pause)

    def _refuse_if_stalled(self, procedure: str, now: float) -> None:
        """Raise UnavailableError, but let one caller find out, when it is time, whether MySQL answers again.

        On a full disk, or under a backup's global read lock, every CALL that writes hangs. Without this each would
        hold a thread for READ_SECONDS, and nobody could even look at the product. Nobody finds out as long as a session
        that was given up hangs: on a full disk it can't be ended, and with one a try MySQL would have no more to give.
        """
        until = self._stalled.get(procedure)
        if until is None:
            return
        if now < until or self._endings.under_way():
            raise UnavailableError("The database does not answer at the moment; try again in a few seconds.")
        self._stalled[procedure] = now + self._read_seconds + 1

    def _after(self, error: Any, procedure: str, attempt: int, elapsed: float, spent: float) -> float:
        """Seconds to wait before the next attempt. Raises when there is to be none.

        elapsed: seconds since the gateway was asked. spent: seconds since the first attempt.
        """
        errno, sqlstate, message = fields(error)
        if sqlstate.startswith(SIGNAL_CLASS):
            raise ProcedureError(procedure, errno, sqlstate, message) from None
        late = elapsed >= RETRY_SECONDS
        told = f"CALL {procedure}: {message} (errno {errno})"
        if errno in REPLACED:
            if not late:
                self._observer.retried("replaced_procedure", errno)
                return random.uniform(0.02, 0.15)
            raise self._give_up(errno, f"{told}; deploy it, or grant EXECUTE on it",
                                "This part of the sale is being replaced; try again in a moment.")  # fmt: skip
        if errno in DEADLOCKED and attempt < ATTEMPTS and not late:
            self._observer.retried("deadlock", errno)
            return random.uniform(0.002, 0.02) * attempt
        if errno in DEADLOCKED:
            raise self._give_up(errno, f"{told}, {attempt} times", TOO_BUSY)
        ended = self._abandon() if errno in UNANSWERED else None
        self._drop()
        if errno in LOST and attempt < ATTEMPTS and not late:
            self._observer.retried("lost_connection", errno)
            return 0.0
        if errno in LOST or errno == LOCK_WAIT:
            if spent >= self._read_seconds:
                self._stalled[procedure] = time.monotonic() + STALL_SECONDS
            refusal = self._give_up(
                errno, f"{told}, {attempt} times", TOO_BUSY if errno == LOCK_WAIT else LOST_CONNECTION
            )
            if ended:
                ended.wait(ENDING_SECONDS)
            raise refusal
        if errno in READ_ONLY and attempt == 1 and not late:
            # A session keeps what it began with: the server may be writable again, which a new one sees.
            self._observer.retried("read_only", errno)
            return 0.0
        if errno in OVERLOADED | READ_ONLY:
            raise self._give_up(errno, told, "The database can't serve at the moment; try again.")
        raise ProcedureError(procedure, errno, sqlstate, message) from None

    def _give_up(self, errno: int, told: str, detail: str) -> UnavailableError:
        """Tell the operator; the refusal for the client."""
        self._report(errno, told)
        return LockWaitError(detail, errno) if errno == LOCK_WAIT else UnavailableError(detail, errno)

    def _connect(self, asked: float) -> Any:
        """Open this thread's connection, for a CALL that was asked for then.

        Raises UnavailableError: at once when a connection timed out a moment ago, or when it is too late for the CALL.
        """
        began = time.monotonic()
        if began < self._unreachable_until:
            raise UnavailableError(UNREACHABLE)
        try:
            connection = self._driver.log_in()
        except self._error as error:
            errno, _, message = fields(error)
            now = time.monotonic()
            if now - began > CONNECT_SECONDS / 2:
                self._unreachable_until = now + 1.0
            where = f"{self._driver.url.host}:{self._driver.url.port}"
            raise self._give_up(
                errno, f"no connection to MySQL at {where}: {message} (errno {errno})", UNREACHABLE
            ) from None
        self._own.connection, self._own.session = connection, (connection.thread_id(), began)
        self._observer.connected(1)
        late = time.monotonic() - asked
        if late > RETRY_SECONDS:
            self._report(0, f"a connection to MySQL took {late:.1f} s: too late for its CALL, the next one has it")
            raise UnavailableError(TOO_BUSY)
        return connection

    def _abandon(self) -> threading.Event:
        """Have the session of this thread's connection ended, which may still be at the CALL; set when it is gone."""
        return self._endings.add(*self._own.session)

    def _end(self, sessions: Mapping[int, float]) -> set[int]:
        """Have MySQL end sessions, by id, with when they were opened; those that are gone. For Endings.

        A server that nobody can connect to, or that was started after a session was opened, has ended it.
        """
        try:
            connection = self._driver.log_in()
        except UnavailableError:
            return set()
        except self._error as error:
            return set(sessions) if _REFUSED in (error.msg or "") else set()
        gone = set()
        try:
            started = self._driver.started(connection)
            for session, opened in sessions.items():
                if opened < started or self._driver.run(connection, END_CALL, [session])[0]["gone"]:
                    gone.add(session)
        except self._error as error:
            errno, _, message = fields(error)
            self._report(errno, f"CALL {END_CALL}: {message} (errno {errno})")
            if errno in REPLACED:  # an older database: nothing can be done
                return set(sessions)
        finally:
            with contextlib.suppress(self._error):
                connection.close()
        return gone

    def _drop(self) -> None:
        """Close this thread's connection; the next CALL opens another."""
        connection = getattr(self._own, "connection", None)
        self._own.connection = None
        if connection is not None:
            self._observer.connected(-1)
            with contextlib.suppress(self._error):
                connection.close()
