"""Which views are as this repository has them. MySQL keeps no text of a view, only what it made of the text.

So for each view that it loads the deployment notes a fingerprint of both: the text, and what the server said of the
view. A view that somebody changed by hand has another fingerprint, and so has one whose file changed.
"""

from hashlib import sha256

from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import query

TABLE = "_loaded_view"


def noted(connection: MySQLConnectionAbstract) -> dict[str, str]:
    """The fingerprint of each view, as the last deployment noted it."""
    if not _has_notes(connection):
        return {}
    return {row[0]: row[1] for row in query(connection, f"SELECT view_name, fingerprint FROM {TABLE}")}


def remember(connection: MySQLConnectionAbstract, name: str, statement: str) -> None:
    """Note that the statement made the view as it is now."""
    with connection.cursor() as cursor:
        if not _has_notes(connection):
            cursor.execute(
                f"CREATE TABLE {TABLE}"
                " (view_name VARCHAR(64) NOT NULL, fingerprint CHAR(64) NOT NULL, PRIMARY KEY (view_name))"
                " ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"
                " COMMENT 'the deployment''s own: what the views of this version look like'"
            )
        cursor.execute(
            f"REPLACE INTO {TABLE} (view_name, fingerprint) VALUES (%s, %s)",
            (name, fingerprint(connection, name, statement)),
        )


def fingerprint(connection: MySQLConnectionAbstract, name: str, statement: str) -> str:
    """Of the statement, and of the view as the server has it now."""
    [shown] = query(connection, f"SHOW CREATE VIEW {name}")
    return sha256("\0".join((statement, *shown)).encode()).hexdigest()


def _has_notes(connection: MySQLConnectionAbstract) -> bool:
    statement = "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s"
    return query(connection, statement, TABLE) != []
