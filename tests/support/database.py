"""A session that CALLs procedures and returns rows, or raises the sale's own refusals."""

import datetime
import re
from functools import cache
from typing import Any

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import connect
from sql.deploy.objects import SQL_FOLDER, all_objects
from sql.deploy.session import Row, Session
from sql.server.urls import Url

__all__ = ["Database", "Refused", "Row", "committed"]


class Refused(Exception):
    """A procedure signalled: slug, errno, SQLSTATE and the text after the slug."""

    def __init__(self, error: mysql.connector.Error) -> None:
        self.errno = error.errno
        self.sqlstate = error.sqlstate
        self.slug, _, self.detail = (error.msg or "").partition(": ")
        super().__init__(f"{error.errno} ({error.sqlstate}): {error.msg}")


_CLEARED = re.compile(
    r"(?:CALL|SELECT|WITH|INSERT|UPDATE|DELETE|START TRANSACTION|COMMIT|ROLLBACK|DO|SHOW|EXPLAIN)\b(?!.*[^@\w]@\w)"
    r"|SET (?:timestamp|SESSION innodb_lock_wait_timeout) = [^,]*$|SET SESSION TRANSACTION ISOLATION LEVEL",
    re.DOTALL,
)
"""Statements after which `clear` without a reset is enough: they set no variable that it does not know."""

_NEEDS_TLS = 2061


@cache
def parameters_of(procedure: str) -> tuple[str, ...]:
    """The names of a procedure's parameters in their order, without `in_`, from its file; none: it has no file."""
    files = SQL_FOLDER.glob(f"procedures/*/{procedure}.sql")
    return tuple(
        name for file in files for name in re.findall(r"^  IN in_(\w+) ", file.read_text("utf-8"), re.MULTILINE)
    )


def _open(address: Url, **options: Any) -> MySQLConnectionAbstract:
    """Connect without encryption, unless the address asks for it: encrypted, each statement costs twice the CPU.

    MySQL takes an unencrypted login of an account that has logged in encrypted since the server began.
    """
    if address.ssl_mode:
        return connect(address, **options)
    try:
        return connect(address, ssl_disabled=True, **options)
    except mysql.connector.Error as error:
        if error.errno != _NEEDS_TLS:
            raise
    connect(address, **options).close()
    return connect(address, ssl_disabled=True, **options)


class Database(Session):
    """One connection of one account, which a test may lead through time, and which may be used again."""

    connect = staticmethod(_open)

    def __init__(self, url: Url | str, **options: Any) -> None:
        super().__init__(url, **options)
        self._needs_reset = False

    def call(self, procedure: str, *arguments: object, **named: object) -> list[Row]:
        """CALL a procedure and return the rows of its one result set; Refused for class 45, else the driver's error.

        After the first arguments the others may be named as the procedure's parameters are; what is left out is NULL.
        """
        rest = parameters_of(procedure)[len(arguments) :]
        arguments += tuple(named.pop(name, None) for name in rest)
        assert not named, f"{procedure} has no parameter {list(named)} after {len(arguments) - len(rest)} arguments"
        markers = ", ".join(["%s"] * len(arguments))
        return self.query(f"CALL {procedure}({markers})", *arguments)

    def one(self, procedure: str, *arguments: object, **named: object) -> Row:
        """CALL a procedure that returns exactly one row."""
        [row] = self.call(procedure, *arguments, **named)
        return row

    def query(self, statement: str, *arguments: object) -> list[Row]:
        """Run any statement and return its rows; Refused for class 45, else the driver's error."""
        self._needs_reset = self._needs_reset or not _CLEARED.match(statement)
        try:
            return super().query(statement, *arguments)
        except mysql.connector.Error as error:
            if str(error.sqlstate).startswith("45"):
                raise Refused(error) from None
            raise

    def travel(self, seconds: float) -> None:
        """Let this session live `seconds` from now (negative: ago); its clock stands still there."""
        self.query("SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) + %s", seconds)

    def travel_to(self, moment: datetime.datetime) -> None:
        """Let this session live at exactly this moment, UTC; its clock stands still there."""
        self.query("SET timestamp = UNIX_TIMESTAMP(%s)", moment)

    def come_back(self) -> None:
        """Let this session's clock run with the server's again."""
        self.query("SET timestamp = DEFAULT")

    def now(self) -> datetime.datetime:
        """What time this session believes it is, UTC."""
        moment: datetime.datetime = self.value("SELECT UTC_TIMESTAMP(6)")
        return moment

    def clear(self, autocommit: bool = True) -> None:
        """Make it as good as new. Raises mysql.connector.Error when it cannot be used any more.

        A reset takes away what the server made of the procedures, too, and making that takes ten times as long as most
        CALLs; so it is done only after statements of which nobody knows what they leave behind.
        """
        if self._needs_reset:
            self.connection.cmd_reset_connection()
            self.connection.autocommit = autocommit
            self._needs_reset = False
            return
        self.query("ROLLBACK")
        self.query("DO RELEASE_ALL_LOCKS()")
        self.query(
            "SET timestamp = DEFAULT, SESSION innodb_lock_wait_timeout = DEFAULT,"
            " SESSION transaction_isolation = DEFAULT" + "".join(f", @{name} = NULL" for name in _variables())
        )
        self._needs_reset = False


def committed(admin: Database) -> Row:
    """The end of the binary log: as long as it is the same, nobody has committed anything."""
    return admin.query("SHOW BINARY LOGS")[-1]


@cache
def _variables() -> list[str]:
    """The user variables that procedures leave behind. Which ones a session has only an administrator may read."""
    texts = [item.statement for item in all_objects()]
    return sorted({name for text in texts for name in re.findall(r"(?<!@)@(?!localhost\b)(\w+)", text)})
