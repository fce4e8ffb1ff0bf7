"""CALLs that the calling thread waits for, over a connection of its own; repeats what is safe to repeat.

docs/adr/0007-one-connection-a-thread.md has what is repeated, for how long, and why.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Mapping, Sequence
from errno import ECONNREFUSED
from typing import Any, NamedTuple, Protocol

from api.gateway.driver import CONNECT_SECONDS, Driver, Row
from api.gateway.endings import Endings
from api.gateway.errors import (
    DEADLOCKED,
    ELSEWHERE,
    LOCK_WAIT,
    LOST,
    LOST_CONNECTION,
    NO_PRIMARY,
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
from api.gateway.primary import Primary
from sql.server.urls import Url

READ_SECONDS = 3
"""How long a CALL may take. Then its caller is refused, and the CALL is ended."""
ROW_LOCK_SECONDS = 1
"""How long a CALL may wait for a row; InnoDB looks once a second, so that it may be two. A request that a set left
alone has waited for a row before, and its own CALL is to end within 5 s of its arrival, too."""
RETRY_SECONDS = 1.2
"""No CALL is repeated, or sent after a slow login, later than this after the gateway was asked: with READ_SECONDS and
ENDING_SECONDS less than 5 s."""
SLOW_LOGIN_SECONDS = 0.2
"""A login that takes longer may be what made a CALL late."""
ENDING_SECONDS = 0.3
"""How long a caller who is refused waits for the end of the CALL, which takes some 10 ms unless MySQL hangs."""
ATTEMPTS = 3
ELSEWHERE_SECONDS = 0.02
"""The pause before a CALL is repeated on the node that sells then."""
STALL_SECONDS = 2.0
"""After a CALL that MySQL took and did not answer, so long nobody else waits for that procedure."""
END_CALL = "end_call"
_REFUSED = f"({ECONNREFUSED})"


class BlockingCalls(Protocol):
    """What a thread needs of a gateway."""

    def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """CALL a procedure and return its one result set. Raises ProcedureError or UnavailableError."""


class Session(NamedTuple):
    """A session of MySQL: on which node, and its number there."""

    node: Url
    number: int

    def __str__(self) -> str:
        return f"{self.number} on {self.node.place}"


class Gateway:
    """CALLs procedures, retrying what is safe to retry. Every procedure of the API may be repeated.

    Of several nodes it uses the one that sells. What a node answers that takes no writes any more is not passed on, be
    it a refusal: it knows only what was true before.
    """

    def __init__(
        self,
        url: Url,
        observer: Observer | None = None,
        read_seconds: int = READ_SECONDS,
        primary: Primary | None = None,
    ) -> None:
        """`primary` looks for the node that sells, among those of the URL, for all gateways of the process."""
        self._report = Reports()
        self._primary = primary or Primary(url)
        self._drivers = {node: Driver(node, ROW_LOCK_SECONDS, read_seconds, self._report) for node in url.nodes}
        self._error = next(iter(self._drivers.values())).Error
        self._used: Url | None = None
        self._observer = observer or Unobserved()
        self._read_seconds = read_seconds
        self._own = threading.local()
        self._endings: Endings[Session] = Endings(self._end)
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
            connection, driver = self._connection(asked)
            try:
                rows = driver.run(connection, procedure, arguments)
                if self._stalled:
                    self._stalled.pop(procedure, None)
                if not self._primary.several or not driver.is_read_only(connection):
                    return rows
                pause = self._go_elsewhere(
                    0, f"CALL {procedure}: the node sells no more", time.monotonic() - asked >= RETRY_SECONDS
                )
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
        if now < until or self._endings.under_way(lambda session: session.node is self._used):
            raise UnavailableError("The database does not answer at the moment; try again in a few seconds.")
        self._stalled[procedure] = now + self._read_seconds + 1

    def _after(self, error: Any, procedure: str, attempt: int, elapsed: float, spent: float) -> float:
        """Seconds to wait before the next attempt. Raises when there is to be none.

        elapsed: seconds since the gateway was asked. spent: seconds since the first attempt.
        """
        errno, sqlstate, message = fields(error)
        late = elapsed >= RETRY_SECONDS
        told = f"CALL {procedure}: {message} (errno {errno})"
        if sqlstate.startswith(SIGNAL_CLASS):
            if self._primary.several and self._sells_no_more():
                return self._go_elsewhere(errno, told, late)
            raise ProcedureError(procedure, errno, sqlstate, message) from None
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
        if self._primary.several and errno in ELSEWHERE:
            if not (ended and late):
                return self._go_elsewhere(errno, told, late)
            self._primary.doubt(self._own.session.node)
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

    def _go_elsewhere(self, errno: int, told: str, late: bool) -> float:
        """Seconds until the next attempt, on the node that sells then. Raises UnavailableError when it is too late."""
        self._primary.doubt(self._own.session.node)
        self._drop()
        if late:
            raise self._give_up(errno, told, NO_PRIMARY)
        self._observer.retried("other_node", errno)
        return ELSEWHERE_SECONDS

    def _sells_no_more(self) -> bool:
        """Whether the node of this thread's connection takes no writes."""
        try:
            return self._drivers[self._own.session.node].is_read_only(self._own.connection)
        except self._error:
            return True

    def _connection(self, asked: float) -> tuple[Any, Driver]:
        """This thread's connection to the node that sells, opened when needed. Raises as _connect."""
        connection = getattr(self._own, "connection", None)
        if connection is not None and self._own.session.node is self._primary.node(asked + RETRY_SECONDS):
            return connection, self._own.driver
        self._drop()
        return self._connect(asked), self._own.driver

    def _connect(self, asked: float) -> Any:
        """Open this thread's connection, for a CALL that was asked for then.

        Raises UnavailableError: at once when a connection timed out a moment ago, or when it is too late for the CALL.
        """
        began = time.monotonic()
        if began < self._unreachable_until:
            raise UnavailableError(UNREACHABLE)
        node = self._primary.node(asked + RETRY_SECONDS)
        driver = self._drivers[node]
        try:
            connection = driver.log_in()
        except self._error as error:
            errno, _, message = fields(error)
            now = time.monotonic()
            if self._primary.several:
                self._primary.doubt(node)
                if now - asked < RETRY_SECONDS:
                    time.sleep(ELSEWHERE_SECONDS)
                    return self._connect(asked)
            elif now - began > CONNECT_SECONDS / 2:
                self._unreachable_until = now + 1.0
            told = f"no connection to MySQL at {node.place}: {message} (errno {errno})"
            raise self._give_up(errno, told, UNREACHABLE) from None
        if node is not self._used:
            self._used = node
            self._stalled.clear()  # it was another server that did not answer
        self._own.connection, self._own.driver = connection, driver
        self._own.session, self._own.opened = Session(node, connection.thread_id()), began
        self._observer.connected(1)
        now = time.monotonic()
        if now - began > SLOW_LOGIN_SECONDS and now - asked > RETRY_SECONDS:
            self._report(0, f"a login at MySQL took {now - began:.1f} s: too late for its CALL, the next one has it")
            raise UnavailableError(TOO_BUSY)
        return connection

    def _abandon(self) -> threading.Event:
        """Have the session of this thread's connection ended, which may still be at the CALL; set when it is gone."""
        return self._endings.add(self._own.session, self._own.opened)

    def _end(self, sessions: Mapping[Session, float]) -> set[Session]:
        """Have MySQL end sessions, with when they were opened; those that are gone. For Endings.

        A session on a node that does not sell can't commit anything any more.
        """
        node = self._primary.known()
        if node is None:
            return set()
        there = {session: opened for session, opened in sessions.items() if session.node == node}
        return (sessions.keys() - there.keys()) | (self._end_on(self._drivers[node], there) if there else set())

    def _end_on(self, driver: Driver, sessions: Mapping[Session, float]) -> set[Session]:
        """The same on one node. A server that nobody can connect to, or that was started later, has ended a session."""
        try:
            connection = driver.log_in()
        except UnavailableError:
            return set()
        except self._error as error:
            return set(sessions) if _REFUSED in (error.msg or "") else set()
        gone = set()
        try:
            started = driver.started(connection)
            for session, opened in sessions.items():
                if opened < started or driver.run(connection, END_CALL, [session.number])[0]["gone"]:
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
