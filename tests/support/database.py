"""A session that CALLs procedures and returns rows, or raises the sale's own refusals."""

import datetime
from typing import Any, Self

import mysql.connector

from sql.deploy.connections import connect
from sql.server.urls import parse

Row = dict[str, Any]


class Refused(Exception):
    """A procedure signalled: slug, errno, SQLSTATE and the text after the slug."""

    def __init__(self, error: mysql.connector.Error) -> None:
        self.errno = error.errno
        self.sqlstate = error.sqlstate
        self.slug, _, self.detail = (error.msg or "").partition(": ")
        super().__init__(f"{error.errno} ({error.sqlstate}): {error.msg}")


_PARAMETERS = {"create_order": 4, "list_orders": 5, "list_products": 2}
"""Procedures of which a test may leave out the last arguments; these are NULL then."""


class Database:
    """One connection of one account."""

    def __init__(self, url: str, **options: Any) -> None:
        self.connection = connect(parse(url), **options)

    def call(self, procedure: str, *arguments: object) -> list[Row]:
        """CALL a procedure and return the rows of its one result set; Refused for class 45, else the driver's error."""
        arguments += (None,) * (_PARAMETERS.get(procedure, 0) - len(arguments))
        markers = ", ".join(["%s"] * len(arguments))
        return self.query(f"CALL {procedure}({markers})", *arguments)

    def one(self, procedure: str, *arguments: object) -> Row:
        """CALL a procedure that returns exactly one row."""
        [row] = self.call(procedure, *arguments)
        return row

    def query(self, statement: str, *arguments: object) -> list[Row]:
        """Run any statement and return its rows."""
        with self.connection.cursor(dictionary=True) as cursor:
            try:
                cursor.execute(statement, arguments)
                rows: list[Row] = cursor.fetchall() if cursor.with_rows else []
                while cursor.nextset():
                    assert not cursor.with_rows, f"{statement} returned a second result set"
            except mysql.connector.Error as error:
                if str(error.sqlstate).startswith("45"):
                    raise Refused(error) from None
                raise
        return rows

    def value(self, statement: str, *arguments: object) -> Any:
        """Return the first column of the only row."""
        [row] = self.query(statement, *arguments)
        return next(iter(row.values()))

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

    def close(self) -> None:
        """End the connection."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
