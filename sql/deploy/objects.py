"""Load what lives in sql/: one object a file, each replaced only when it differs from what the server has."""

import re
from pathlib import Path
from typing import NamedTuple

from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy import loaded_views
from sql.deploy.connections import query
from sql.deploy.patience import define

SQL_FOLDER = Path(__file__).resolve().parent.parent

_SOURCE = re.compile(r"^SOURCE (\S+)$", re.MULTILINE)
_SET = re.compile(r"^SET .*(?=;$)", re.MULTILINE)
_OBJECT = re.compile(r"^CREATE\s.*?(?=\s*\$\$)", re.DOTALL | re.MULTILINE)
_HEADER = re.compile(
    r"CREATE (?:OR REPLACE )?(?:.*?)\b(?P<kind>PROCEDURE|FUNCTION|VIEW|EVENT)\s+(?P<name>\w+)", re.DOTALL
)
_ROUTINE = re.compile(
    r"(?P<parameters>\(.*?\n?\))\s*\nCOMMENT '(?P<comment>(?:[^']|'')*)'\s*\n(?P<body>BEGIN\b.*)", re.DOTALL
)


class SqlObject(NamedTuple):
    """One file of sql/: what it creates, and the statement that does."""

    kind: str
    name: str
    statement: str
    path: Path


def read_object(path: Path) -> SqlObject:
    """Read the one CREATE statement of a file; ValueError when there is not exactly one."""
    statements = _OBJECT.findall(path.read_text(encoding="utf-8"))
    header = _HEADER.match(statements[0]) if len(statements) == 1 else None
    if header is None:
        raise ValueError(f"{path}: expected exactly one CREATE statement between DELIMITER $$ lines")
    return SqlObject(header["kind"], header["name"], statements[0], path)


def all_objects() -> list[SqlObject]:
    """Every object of sql/, in the order of sql/install.sql, in which each finds what it needs."""
    files = [path for path in _SOURCE.findall(_install_list()) if not path.startswith(("accounts/", "rules/"))]
    return [read_object(SQL_FOLDER / path) for path in files]


class _Found(NamedTuple):
    """What the server had before anything was loaded, asked for all objects at once."""

    comments: dict[tuple[str, str], str]
    """Kind and name of each routine and view; a view has no comment."""
    fingerprints: dict[str, str]
    """Of the views, as the last deployment noted them."""
    grants: list[tuple[str, ...]]
    """Routine, user and host, quoted: who may execute what."""
    session: tuple[str, ...]
    """sql_mode and collations of this session: texts are compared under them."""


def load(connection: MySQLConnectionAbstract) -> list[str]:
    """Make the connection's database hold exactly the objects of sql/; return a line for each change."""
    with connection.cursor() as cursor:
        for statement in _SET.findall(_install_list()):
            cursor.execute(statement)
    wanted, found = all_objects(), _look(connection)
    changes = [change for item in wanted if (change := _load_one(connection, item, found))]
    return changes + _drop_unknown(connection, {(item.kind, item.name) for item in wanted})


def _install_list() -> str:
    return (SQL_FOLDER / "install.sql").read_text(encoding="utf-8")


def _look(connection: MySQLConnectionAbstract) -> _Found:
    comments = query(
        connection,
        "SELECT routine_type, routine_name, routine_comment FROM information_schema.routines"
        " WHERE routine_schema = DATABASE()"
        " UNION ALL SELECT 'VIEW', table_name, '' FROM information_schema.views WHERE table_schema = DATABASE()",
    )
    grants = query(
        connection, "SELECT Routine_name, QUOTE(User), QUOTE(Host) FROM mysql.procs_priv WHERE Db = DATABASE()"
    )
    [session] = query(
        connection,
        "SELECT @@SESSION.sql_mode, @@character_set_client, @@collation_connection, @@collation_database",
    )
    return _Found(
        {(kind, name): comment for kind, name, comment in comments}, loaded_views.noted(connection), grants, session
    )


def _load_one(connection: MySQLConnectionAbstract, item: SqlObject, found: _Found) -> str | None:
    if _is_installed(connection, item, found):
        return None
    what = f"{item.kind.lower()} {item.name}"
    if item.kind == "VIEW":
        define(connection, what, item.name, [item.statement])  # CREATE OR REPLACE is atomic
        loaded_views.remember(connection, item.name, item.statement)
    else:
        # DROP takes the grants on a routine along.
        grants = [
            f"GRANT EXECUTE ON {item.kind} {item.name} TO {user}@{host}"
            for name, user, host in found.grants
            if name == item.name
        ]
        define(connection, what, item.name, [f"DROP {item.kind} IF EXISTS {item.name}", item.statement, *grants])
    return f"loaded {what}"


def _is_installed(connection: MySQLConnectionAbstract, item: SqlObject, found: _Found) -> bool:
    if item.kind == "EVENT":
        return _event_is_installed(connection, item, found)
    comment = found.comments.get((item.kind, item.name))
    if item.kind == "VIEW":
        noted = found.fingerprints.get(item.name)
        return comment is not None and noted == loaded_views.fingerprint(connection, item.name, item.statement)
    routine = _ROUTINE.search(item.statement)
    if routine is None:
        raise ValueError(f"{item.path}: expected parameters, COMMENT and BEGIN, in this order")
    if comment != routine["comment"].replace("''", "'").replace(r"\\", "\\"):
        return False
    # Only SHOW CREATE gives the body back to the letter.
    [(_, sql_mode, created, *collations)] = query(connection, f"SHOW CREATE {item.kind} {item.name}")
    return (
        (sql_mode, *collations) == found.session
        and created.startswith("CREATE DEFINER=`flashsale_owner`@`localhost`")
        and f"`{item.name}`{routine['parameters']}" in created
        and created.endswith(routine["body"])
    )


def _event_is_installed(connection: MySQLConnectionAbstract, item: SqlObject, found: _Found) -> bool:
    schedules = query(
        connection,
        "SELECT interval_value, interval_field, event_definition FROM information_schema.events"
        " WHERE status = 'ENABLED' AND definer = 'flashsale_owner@localhost'"
        " AND event_schema = DATABASE() AND event_name = %s",
        item.name,
    )
    if not schedules:
        return False
    [(_, sql_mode, _, _, *collations)] = query(connection, f"SHOW CREATE EVENT {item.name}")
    return (sql_mode, *collations) == found.session and any(
        f"EVERY {value} {unit}\n" in item.statement and item.statement.endswith(f"DO {body}")
        for value, unit, body in schedules
    )


def _drop_unknown(connection: MySQLConnectionAbstract, wanted: set[tuple[str, str]]) -> list[str]:
    """Remove objects that an earlier version left behind, so that the server shows what the repository does."""
    present = query(
        connection,
        "SELECT routine_type, routine_name FROM information_schema.routines WHERE routine_schema = DATABASE()"
        " AND definer = 'flashsale_owner@localhost'"
        " UNION ALL SELECT 'VIEW', table_name FROM information_schema.views WHERE table_schema = DATABASE()"
        " AND definer = 'flashsale_owner@localhost'"
        " UNION ALL SELECT 'EVENT', event_name FROM information_schema.events WHERE event_schema = DATABASE()"
        " AND definer = 'flashsale_owner@localhost'",
    )
    unknown = [(kind, name) for kind, name in present if (kind, name) not in wanted]
    for kind, name in unknown:
        define(connection, f"{kind.lower()} {name}", name, [f"DROP {kind} IF EXISTS `{name}`"])
    return [f"dropped {kind.lower()} {name}" for kind, name in unknown]
