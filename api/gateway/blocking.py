"""The one gateway to MySQL: CALLs a procedure over a connection that belongs to the calling thread.

It speaks to the connector's C driver directly: a CALL then costs half the CPU of one through a cursor
(docs/adr/0007-one-connection-a-thread.md).
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import random
import re
import threading
import time
from collections.abc import Mapping, Sequence
from errno import ECONNREFUSED
from pathlib import Path
from typing import Any, Protocol

from api.gateway.endings import Endings
from api.settings import Database
from api.watch.trace import trace

log = logging.getLogger("flashsale.api")

Row = dict[str, Any]

CONNECT_SECONDS = 2
READ_SECONDS = 3
"""How long a CALL may take, and wait for a table. Then its caller is refused, and the CALL is ended."""
ROW_LOCK_SECONDS = 2
"""How long a CALL may wait for a row."""
RETRY_SECONDS = 1.5
"""No CALL is sent later than this after the gateway was asked: with READ_SECONDS and ENDING_SECONDS less than 5 s."""
ENDING_SECONDS = 0.3
"""How long a caller who is refused waits for the end of the CALL, which takes some 10 ms unless MySQL hangs."""
ATTEMPTS = 3
STALL_SECONDS = 2.0
"""After a CALL that MySQL took and did not answer, so long nobody else waits for that procedure."""

SIGNAL_CLASS = "45"
DEADLOCKED = frozenset({1213, 1412, 1614, 3101})
LOCK_WAIT = 1205
REPLACED = frozenset({1305, 1370})
"""The procedure is not there, or not granted: DROP PROCEDURE takes its grants along, a deployment gives both back."""
LOST = frozenset({1053, 1077, 1079, 1080, 1152, 1153, 1158, 1159, 1160, 1161, 1317, 1927})
# KILL QUERY between a FETCH and its handler for the end of the rows: 1329.
LOST |= {1329, 3168, 3169, 4031}
UNANSWERED = frozenset({2006, 2013, 2014, 2027, 2055})
"""The driver's own: what became of the CALL is not known, and MySQL may still be at it."""
LOST |= UNANSWERED
OVERLOADED = frozenset({1040, 1041, 1135, 1203, 1226, 1637, 3032, 3024})
"""The server answers but cannot serve now: too many connections, out of memory."""
READ_ONLY = frozenset({1015, 1036, 1290, 1665, 1792, 1836, 1874, 1881})
"""It reads but cannot sell: read-only after a fail-over, tables that cannot be written, binlog_format STATEMENT."""
NEEDS_TLS = frozenset({1045, 2061, 3159})
TOO_BUSY = "The sale is too busy at the moment; try again."
LOST_CONNECTION = "The connection to the database was lost; try again."
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
END_CALL = "end_call"
_SESSION = b"SET SESSION autocommit = 1, SESSION innodb_lock_wait_timeout = %d, SESSION lock_wait_timeout = %d"
_REFUSED = f"({ECONNREFUSED})"
_UPTIME = re.compile(rb"Uptime: ([0-9]+)")
_QUOTED_DATA = re.compile(r"(entry|value:?) (?:'.*'(?= for (?:key|column|function) )|'.*'$)", re.DOTALL)


class Calls(Protocol):
    """What the translator needs of a gateway."""

    def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """CALL a procedure and return its one result set. Raises ProcedureError or UnavailableError."""


class Observer(Protocol):
    """Who is told what the gateway does."""

    def called(self, procedure: str, seconds: float) -> None:
        """A CALL ended, with its retries, however it did."""

    def retried(self, cause: str) -> None:
        """An attempt failed and is repeated."""

    def connected(self, change: int) -> None:
        """A connection was opened (1) or closed (-1)."""


class Unobserved:
    """Nobody is told."""

    def called(self, procedure: str, seconds: float) -> None:
        """A CALL ended."""

    def retried(self, cause: str) -> None:
        """An attempt is repeated."""

    def connected(self, change: int) -> None:
        """A connection was opened or closed."""


class ProcedureError(Exception):
    """MySQL refused a CALL: a SIGNAL of a procedure (SQLSTATE 45xxx), or an error nobody expected."""

    def __init__(self, procedure: str, errno: int, sqlstate: str, message: str) -> None:
        super().__init__(procedure, errno, sqlstate)
        self.procedure = procedure
        self.errno = errno
        self.sqlstate = sqlstate
        self.message = message

    def log_line(self) -> str:
        """What an operator needs to find the fault, without the values MySQL quotes."""
        message = _QUOTED_DATA.sub(r"\1 '…'", self.message)
        return f"CALL {self.procedure} failed: errno {self.errno}, SQLSTATE {self.sqlstate}: {message}"


class UnavailableError(Exception):
    """MySQL can't serve at the moment; the request may be sent again. `detail` is fit for the client."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def load_driver() -> Any:
    """The connector's C driver. Raises RuntimeError with what to do when it can't be loaded."""
    try:
        # First Python's own: hashlib loads one of OpenSSL's two libraries, and the driver's other one does not fit it.
        importlib.import_module("ssl")
        return importlib.import_module("_mysql_connector")
    except ImportError as error:
        raise RuntimeError(
            f"the C driver of mysql-connector-python can't be loaded ({error}); install the pinned version, "
            "mysql-connector-python==9.7.0: later ones need a newer OpenSSL than Debian 12 has"
        ) from error


class Gateway:
    """CALLs procedures, retrying what is safe to retry. Every procedure of the API may be repeated."""

    def __init__(self, database: Database, observer: Observer | None = None, read_seconds: int = READ_SECONDS) -> None:
        self._driver = load_driver()
        self._error = self._driver.MySQLInterfaceError
        self._plugins = str(Path(self._driver.__file__).parent / "mysql" / "vendor" / "plugin")
        self._database = database
        self._observer = observer or Unobserved()
        self._read_seconds = read_seconds
        self._own = threading.local()
        self._endings = Endings(self._end)
        self._unreachable_until = 0.0
        self._stalled: dict[str, float] = {}
        self._reported: dict[int, float] = {}

    def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """CALL a procedure and return its one result set, a dict a row.

        Raises ProcedureError for what the procedure SIGNALs and for faults, UnavailableError when MySQL is down,
        overloaded, or still refuses after the retries.
        """
        trace.procedure = procedure
        began = time.perf_counter()
        try:
            return self._insist(procedure, arguments)
        finally:
            self._observer.called(procedure, time.perf_counter() - began)

    def _insist(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """Attempt after attempt, until there is an answer or no sense in another one."""
        began = time.monotonic()
        if self._stalled:
            self._refuse_if_stalled(procedure, began)
        attempt = 0
        while True:
            attempt += 1
            connection = getattr(self._own, "connection", None) or self._connect(began)
            try:
                rows = self._run(connection, procedure, arguments)
                if self._stalled:
                    self._stalled.pop(procedure, None)
                return rows
            except self._error as error:
                pause = self._after(error, procedure, attempt, time.monotonic() - began)
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

    def _run(self, connection: Any, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        literals = connection.convert_to_mysql(*arguments) if arguments else ()
        connection.query(b"CALL %s(%s)" % (procedure.encode(), b",".join(literals)), buffered=True)
        rows: list[Row] = []
        names: list[str] = []
        while row := connection.fetch_row():
            # Only now: for a row the driver makes the list of columns and keeps it; before, it would make one more.
            names = names or [column[4] for column in connection.fetch_fields()]
            rows.append(dict(zip(names, row, strict=True)))
        while connection.next_result():
            pass
        return rows

    def _after(self, error: Any, procedure: str, attempt: int, elapsed: float) -> float:
        """Seconds to wait before the next attempt. Raises when there is to be none."""
        errno, sqlstate, message = _fields(error)
        if sqlstate.startswith(SIGNAL_CLASS):
            raise ProcedureError(procedure, errno, sqlstate, message) from None
        trace.errno = errno
        if errno in REPLACED:
            if elapsed < RETRY_SECONDS:
                self._observer.retried("replaced_procedure")
                return random.uniform(0.02, 0.15)
            self._report(errno, f"CALL {procedure}: {message} (errno {errno}); deploy it, or grant EXECUTE on it")
            raise UnavailableError("This part of the sale is being replaced; try again in a moment.") from None
        if errno in DEADLOCKED and attempt < ATTEMPTS and elapsed < RETRY_SECONDS:
            self._observer.retried("deadlock")
            return random.uniform(0.002, 0.02) * attempt
        if errno in DEADLOCKED:
            self._report(errno, f"CALL {procedure}: {message} (errno {errno}), {attempt} times")
            raise UnavailableError(TOO_BUSY) from None
        ended = self._abandon() if errno in UNANSWERED else None
        self._drop()
        if errno in LOST and attempt < ATTEMPTS and elapsed < RETRY_SECONDS:
            self._observer.retried("lost_connection")
            return 0.0
        if errno in LOST or errno == LOCK_WAIT:
            if elapsed >= self._read_seconds:
                self._stalled[procedure] = time.monotonic() + STALL_SECONDS
            self._report(errno, f"CALL {procedure}: {message} (errno {errno}), {attempt} times")
            if ended:
                ended.wait(ENDING_SECONDS)
            raise UnavailableError(TOO_BUSY if errno == LOCK_WAIT else LOST_CONNECTION) from None
        if errno in READ_ONLY and attempt == 1 and elapsed < RETRY_SECONDS:
            # A session keeps what it began with: the server may be writable again, which a new one sees.
            self._observer.retried("read_only")
            return 0.0
        if errno in OVERLOADED | READ_ONLY:
            self._report(errno, f"CALL {procedure}: {message} (errno {errno})")
            raise UnavailableError("The database can't serve at the moment; try again.") from None
        raise ProcedureError(procedure, errno, sqlstate, message) from None

    def _connect(self, asked: float) -> Any:
        """Open this thread's connection, for a CALL that was asked for then.

        Raises UnavailableError: at once when a connection timed out a moment ago, or when it is too late for the CALL.
        """
        began = time.monotonic()
        if began < self._unreachable_until:
            raise UnavailableError("The database can't be reached; try again in a moment.")
        try:
            connection = self._log_in()
        except self._error as error:
            errno, _, message = _fields(error)
            trace.errno = errno
            now = time.monotonic()
            if now - began > CONNECT_SECONDS / 2:
                self._unreachable_until = now + 1.0
            where = f"{self._database.host}:{self._database.port}"
            self._report(errno, f"no connection to MySQL at {where}: {message} (errno {errno})")
            raise UnavailableError("The database can't be reached; try again in a moment.") from None
        self._own.connection, self._own.session = connection, (connection.thread_id(), began)
        self._observer.connected(1)
        late = time.monotonic() - asked
        if late > RETRY_SECONDS:
            self._report(0, f"a connection to MySQL took {late:.1f} s: too late for its CALL, the next one has it")
            raise UnavailableError(TOO_BUSY)
        return connection

    def _log_in(self) -> Any:
        """Over TLS, but on the loopback interface in the clear, which takes a third off the cost of a CALL.

        The URL may ask for TLS there, too.
        caching_sha2_password wants one encrypted login of an account since the server's start; it is given that.
        """
        if self._database.ssl_mode or self._database.host not in LOOPBACK:
            return self._open(encrypted=True)
        try:
            return self._open(encrypted=False)
        except self._error as error:
            if error.errno not in NEEDS_TLS:
                raise
        encrypted = self._open(encrypted=True)
        try:
            plain = self._open(encrypted=False)
        except self._error:
            return encrypted
        encrypted.close()
        return plain

    def _open(self, encrypted: bool) -> Any:
        connection = self._driver.MySQL(
            charset_name="utf8mb4", connection_timeout=CONNECT_SECONDS, use_unicode=True, plugin_dir=self._plugins
        )
        connection.connect(
            host=self._database.host,
            port=self._database.port,
            user=self._database.user,
            password=self._database.password,
            database=self._database.name,
            ssl_disabled=not encrypted,
            ssl_ca=self._database.ssl_ca or None,
            ssl_verify_cert=self._database.ssl_mode == "VERIFY_CA",
            ssl_verify_identity=self._database.ssl_mode == "VERIFY_IDENTITY",
            read_timeout=self._read_seconds,
            write_timeout=READ_SECONDS,
        )
        if self._database.ssl_mode and connection.get_ssl_cipher() is None:
            connection.close()  # the driver only prefers TLS, and takes what a server without it gives
            self._report(2026, "the database URL asks for TLS, and MySQL does not offer it")
            raise UnavailableError("The database can't be reached; try again in a moment.")
        connection.set_character_set("utf8mb4")
        connection.query(_SESSION % (ROW_LOCK_SECONDS, READ_SECONDS))
        return connection

    def _abandon(self) -> threading.Event:
        """Have the session of this thread's connection ended, which may still be at the CALL; set when it is gone."""
        return self._endings.add(*self._own.session)

    def _end(self, sessions: Mapping[int, float]) -> set[int]:
        """Have MySQL end sessions, by id, with when they were opened; those that are gone. For Endings.

        A server that nobody can connect to, or that was started after a session was opened, has ended it.
        """
        try:
            connection = self._log_in()
        except UnavailableError:
            return set()
        except self._error as error:
            return set(sessions) if _REFUSED in (error.msg or "") else set()
        gone = set()
        try:
            uptime = _UPTIME.match(connection.stat())
            started = time.monotonic() - float(uptime[1]) - 2 if uptime else 0.0
            for session, opened in sessions.items():
                if opened < started or self._run(connection, END_CALL, [session])[0]["gone"]:
                    gone.add(session)
        except self._error as error:
            errno, _, message = _fields(error)
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

    def _report(self, errno: int, line: str) -> None:
        """Log for the operator, each errno at most once a second."""
        now = time.monotonic()
        if now - self._reported.get(errno, -1.0) >= 1.0:
            self._reported[errno] = now
            log.error("%s", line)


def _fields(error: Any) -> tuple[int, str, str]:
    return error.errno or 0, error.sqlstate or "HY000", error.msg or ""
