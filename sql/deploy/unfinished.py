"""A restore that did not finish, and where the binary log of the sale ends then.

What a restore does is in the binary log like all else. When it fails or is stopped in the middle, the database is not
whole, and the next restore must not repeat what the first one did to it. So each one notes where the log ended when it
began, in a table that is only there until it has finished, and that is itself in no log.
"""

from contextlib import closing
from typing import NamedTuple

from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import connect, query
from sql.server.urls import Url

TABLE = "_unfinished_restore"


class End(NamedTuple):
    """Up to where the binary log tells of the sale: a file, and a position in it."""

    log: str
    position: int


def begun(url: Url) -> End | None:
    """Where the log ended when a restore of this database began that has not finished."""
    with closing(connect(url, database=None)) as session:
        if TABLE not in _tables(session, url):
            return None
        rows = query(session, f"SELECT log, position FROM `{url.database}`.{TABLE}")
    return End(rows[0][0], int(rows[0][1])) if rows else None


def begin(url: Url, end: End) -> None:
    """Note where the log ends; the database is not whole from now on."""
    with closing(connect(url)) as session:
        query(session, "SET SESSION sql_log_bin = 0")
        query(session, f"DROP TABLE IF EXISTS {TABLE}")
        query(
            session,
            f"CREATE TABLE {TABLE} (log VARCHAR(512) NOT NULL, position BIGINT UNSIGNED NOT NULL, PRIMARY KEY (log))"
            " COMMENT 'a restore that did not finish: the binary log of the sale ends here'",
        )
        query(session, f"INSERT INTO {TABLE} (log, position) VALUES (%s, %s)", end.log, str(end.position))


def finish(url: Url) -> None:
    """The database is whole again."""
    with closing(connect(url)) as session:
        query(session, "SET SESSION sql_log_bin = 0")
        query(session, f"DROP TABLE IF EXISTS {TABLE}")


def clear(url: Url) -> None:
    """Drop the tables that such a restore left, so that the next one finds none that is half loaded."""
    with closing(connect(url)) as session:
        query(session, "SET SESSION foreign_key_checks = 0")
        for name in _tables(session, url):
            if name != TABLE:
                query(session, f"DROP TABLE `{name}`")  # not by database.table: the log may be repeated elsewhere


def _tables(session: MySQLConnectionAbstract, url: Url) -> list[str]:
    statement = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'"
    return [name for (name,) in query(session, statement, url.database)]
