"""A session on MySQL for all that is not the API: restoring a backup, the load test and the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from mysql.connector.abstracts import MySQLCursorAbstract

from sql.deploy.connections import connect
from sql.server.urls import Url, parse

Row = dict[str, Any]


class Session:
    """One connection of one account, in autocommit mode; `options` go to the connector. Ends with a `with` block."""

    connect = staticmethod(connect)

    def __init__(self, url: Url | str, **options: Any) -> None:
        self.connection = self.connect(parse(url) if isinstance(url, str) else url, **options)
        self._cursor: MySQLCursorAbstract | None = None

    def query(self, statement: str, *arguments: Any) -> list[Row]:
        """Run any statement, also a CALL, and return the rows of its one result set. Raises mysql.connector.Error."""
        # Making a cursor asks the server whether it is there: the last one is used again, unless something went wrong.
        cursor, self._cursor = self._cursor or self.connection.cursor(dictionary=True), None
        try:
            cursor.execute(statement, arguments)
            rows: list[Any] = cursor.fetchall() if cursor.description else []
            while cursor.nextset():
                assert not cursor.description, f"{statement} returned a second result set"
        except BaseException:
            cursor.close()
            raise
        self._cursor = cursor
        return rows

    def row(self, statement: str, *arguments: Any) -> Row:
        """Run a statement that returns exactly one row."""
        [row] = self.query(statement, *arguments)
        return row

    def value(self, statement: str, *arguments: Any) -> Any:
        """Return the first column of the only row."""
        return next(iter(self.row(statement, *arguments).values()))

    def close(self) -> None:
        """End the connection."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def scheduler_off(admin: Session) -> Iterator[None]:
    """No EVENT of the server begins; afterwards it is as before, also when the connection was lost meanwhile.

    Altering an EVENT needs it: a run that ends notes the status it knew, over a fresh DISABLE.
    """
    before = admin.value("SELECT @@GLOBAL.event_scheduler")
    admin.query("SET GLOBAL event_scheduler = OFF")
    try:
        yield
    finally:
        admin.connection.ping(reconnect=True)
        admin.query(f"SET GLOBAL event_scheduler = {before}")
