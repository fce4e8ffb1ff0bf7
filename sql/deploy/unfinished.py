"""A restore that did not finish, and where the binary log of the sale ends then.

What a restore does is in the binary log like all else. When it fails or is stopped in the middle, the database is not
whole, and the next restore must not repeat what the first one did to it. So each one notes where the log ended when it
began, in a table that is only there until it has finished, and that is itself in no log.
"""

from typing import NamedTuple

from sql.deploy.session import Session
from sql.server.urls import Url

TABLE = "_unfinished_restore"


class End(NamedTuple):
    """Up to where the binary log tells of the sale: a file, and a position in it."""

    log: str
    position: int


def begun(url: Url) -> End | None:
    """Where the log ended when a restore of this database began that has not finished."""
    with Session(url, database=None) as session:
        if TABLE not in _tables(session, url):
            return None
        rows = session.query(f"SELECT log, position FROM `{url.database}`.{TABLE}")
    return End(rows[0]["log"], rows[0]["position"]) if rows else None


def begin(url: Url, end: End) -> None:
    """Note where the log ends; the database is not whole from now on."""
    with Session(url) as session:
        session.query("SET SESSION sql_log_bin = 0")
        session.query(f"DROP TABLE IF EXISTS {TABLE}")
        session.query(
            f"CREATE TABLE {TABLE} (log VARCHAR(512) NOT NULL, position BIGINT UNSIGNED NOT NULL, PRIMARY KEY (log))"
            " COMMENT 'a restore that did not finish: the binary log of the sale ends here'"
        )
        session.query(f"INSERT INTO {TABLE} (log, position) VALUES (%s, %s)", *end)


def finish(url: Url) -> None:
    """The database is whole again."""
    with Session(url) as session:
        session.query("SET SESSION sql_log_bin = 0")
        session.query(f"DROP TABLE IF EXISTS {TABLE}")


def clear(url: Url) -> None:
    """Drop the tables that such a restore left, so that the next one finds none that is half loaded."""
    with Session(url) as session:
        session.query("SET SESSION foreign_key_checks = 0")
        for name in _tables(session, url):
            if name != TABLE:
                session.query(f"DROP TABLE `{name}`")  # not by database.table: the log may be repeated elsewhere


def _tables(session: Session, url: Url) -> list[str]:
    statement = (
        "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE'"
    )
    return [row["name"] for row in session.query(statement, url.database)]
