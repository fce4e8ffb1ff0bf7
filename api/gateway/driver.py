"""The connector's C driver: how a connection is opened, and a CALL made on it.

Used directly, a CALL costs half the CPU of one through the connector's cursors
(docs/adr/0007-one-connection-a-thread.md).
"""

from __future__ import annotations

import contextlib
import importlib
import re
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from api.gateway.errors import NEEDS_TLS, UNREACHABLE, UnavailableError
from sql.server.urls import Url

Row = dict[str, Any]
Report = Callable[[int, str], None]
"""Tells the operator of an errno, in a line for the log."""

CONNECT_SECONDS = 2
TABLE_LOCK_SECONDS = 3
"""How long a CALL may wait for a table."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SESSION = b"SET SESSION autocommit = 1, SESSION innodb_lock_wait_timeout = %d, SESSION lock_wait_timeout = %d"
_UPTIME = re.compile(rb"Uptime: ([0-9]+)")


@cache
def load_driver() -> Any:
    """The connector's C driver, ready for threads. Raises RuntimeError with what to do when it can't be loaded."""
    try:
        # First Python's own: hashlib loads one of OpenSSL's two libraries, and the driver's other one does not fit it.
        importlib.import_module("ssl")
        module = importlib.import_module("_mysql_connector")
    except ImportError as error:
        raise RuntimeError(
            f"the C driver of mysql-connector-python can't be loaded ({error}); install the pinned version, "
            "mysql-connector-python==9.7.0: later ones need a newer OpenSSL than Debian 12 has"
        ) from error
    # Its first connection initialises MySQL's library, which may happen in one thread only: another one that connects
    # meanwhile gets a broken connection and crashes the process. So it is made here, to a socket that cannot be.
    with contextlib.suppress(module.MySQLInterfaceError):
        module.MySQL().connect(unix_socket="/")
    return module


class Driver:
    """Opens connections to one MySQL as one account, and makes CALLs on them. `Error` is what it raises.

    `row_seconds`: how long a CALL may wait for a row. `answer_seconds`: how long it may take in all.
    """

    def __init__(self, url: Url, row_seconds: int, answer_seconds: int, report: Report) -> None:
        self._module = load_driver()
        self._plugins = str(Path(self._module.__file__).parent / "mysql" / "vendor" / "plugin")
        self._session = _SESSION % (row_seconds, TABLE_LOCK_SECONDS)
        self._answer_seconds = answer_seconds
        self._report = report
        self.Error = self._module.MySQLInterfaceError
        self.url = url

    def log_in(self) -> Any:
        """Over TLS, but on the loopback interface in the clear, which takes a third off the cost of a CALL.

        The URL may ask for TLS there, too. caching_sha2_password wants one encrypted login of an account since the
        server's start; it is given that. Raises UnavailableError where the URL's demand for TLS can't be met.
        """
        if self.url.ssl_mode or self.url.host not in LOOPBACK:
            return self._open(encrypted=True)
        try:
            return self._open(encrypted=False)
        except self.Error as error:
            if error.errno not in NEEDS_TLS:
                raise
        encrypted = self._open(encrypted=True)
        try:
            plain = self._open(encrypted=False)
        except self.Error:
            return encrypted
        encrypted.close()
        return plain

    def run(self, connection: Any, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """CALL a procedure and return its one result set, a dict a row."""
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

    def is_read_only(self, connection: Any) -> bool:
        """Whether the server takes no writes at this moment."""
        connection.query(b"SELECT @@GLOBAL.super_read_only", buffered=True)
        [(read_only, *_)] = [connection.fetch_row()]
        connection.free_result()
        return bool(read_only)

    def started(self, connection: Any) -> float:
        """A moment before which the server was not yet running (monotonic); 0.0 when it does not tell."""
        uptime = _UPTIME.match(connection.stat())
        return time.monotonic() - float(uptime[1]) - 2 if uptime else 0.0

    def _open(self, encrypted: bool) -> Any:
        connection = self._module.MySQL(
            charset_name="utf8mb4", connection_timeout=CONNECT_SECONDS, use_unicode=True, plugin_dir=self._plugins
        )
        connection.connect(
            host=self.url.host,
            port=self.url.port,
            user=self.url.user,
            password=self.url.password,
            database=self.url.database,
            ssl_disabled=not encrypted,
            ssl_ca=self.url.ssl_ca or None,
            ssl_verify_cert=self.url.ssl_mode == "VERIFY_CA",
            ssl_verify_identity=self.url.ssl_mode == "VERIFY_IDENTITY",
            read_timeout=self._answer_seconds,
            write_timeout=TABLE_LOCK_SECONDS,
        )
        if self.url.ssl_mode and connection.get_ssl_cipher() is None:
            connection.close()  # the driver only prefers TLS, and takes what a server without it gives
            self._report(2026, "the database URL asks for TLS, and MySQL does not offer it")
            raise UnavailableError(UNREACHABLE)
        connection.set_character_set("utf8mb4")
        connection.query(self._session)
        return connection
