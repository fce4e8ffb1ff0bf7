"""Every value of every table changed by hand, one at a time, and whether a constraint or the invariants notice it."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import mysql.connector

from tests.support.database import Database, Row

REFUSED = {1048, 1062, 1451, 1452, 3819}
"""NOT NULL, a unique key, a foreign key from or to it, CHECK."""

OTHER = {
    "int": ["{0} + 1", "{0} - 1"],
    "date": ["{0} + INTERVAL 1 DAY", "{0} - INTERVAL 1 DAY"],
    "datetime": ["{0} + INTERVAL 1 HOUR", "{0} - INTERVAL 1 HOUR"],
    "varchar": ["'another'"],
    "char": ["IF({0} <=> 'USD', 'CHF', 'USD')"],
    "binary": ["UUID_TO_BIN('018f0000-0000-7000-8000-000000000001')"],
    "json": ["'{{}}'"],
} | {name: ["{0} + 1", "{0} - 1"] for name in ("bigint", "smallint", "tinyint", "decimal")}  # fmt: skip
"""What else a value of a type could be."""
SOME = {"datetime": "UTC_TIMESTAMP(6)", "date": "UTC_DATE()"} | dict.fromkeys(
    ("int", "bigint", "smallint", "tinyint", "decimal"), "1"
)
"""What a value could be where there is none."""


def prepare(admin: Database) -> None:
    """Plan once, for each table, to ask those parts of invariant_violations that read it.

    All of them for each change would take three times as long, and check_invariants would commit the change.
    """
    reads: defaultdict[str, set[str]] = defaultdict(set)
    for row in admin.query(
        "SELECT view_name AS v, table_name AS t FROM information_schema.view_table_usage WHERE view_schema = DATABASE()"
    ):
        reads[row["v"]].add(row["t"])
    parts = reads["invariant_violations"]
    for part in parts:
        for view in list(reads[part]):
            reads[part] |= reads.get(view, set())
    for table in columns_of_all_tables(admin):
        asked = sorted(part for part in parts if table in reads[part]) or sorted(parts)
        query = " UNION ".join(f"SELECT violation FROM {part}" for part in asked)
        admin.query(f"PREPARE violations_of_{table} FROM '{query}'")


class Column(NamedTuple):
    """A column that can be written."""

    table: str
    name: str
    data_type: str
    nullable: bool
    members: list[str]

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


class Damage(NamedTuple):
    """One change of one row, and the rules that it broke; 'refused': a constraint does not let it in."""

    column: str
    statement: str
    row: Row
    shown: list[str]


def columns_of_all_tables(admin: Database) -> dict[str, list[Column]]:
    """Whatever there is but what is computed; yoyo and the deployment have tables of their own."""
    found: defaultdict[str, list[Column]] = defaultdict(list)
    for row in admin.query(
        "SELECT c.table_name AS t, c.column_name AS n, c.data_type AS type, c.is_nullable = 'YES' AS nullable,"
        " c.column_type AS full FROM information_schema.columns AS c"
        " JOIN information_schema.tables AS t USING (table_schema, table_name)"
        " WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE' AND c.generation_expression = ''"
        "   AND t.table_name NOT REGEXP '^_|^yoyo' ORDER BY c.table_name, c.ordinal_position"
    ):  # fmt: skip
        members = row["full"].removeprefix("enum(").removesuffix(")").split(",") if row["type"] == "enum" else []
        found[row["t"]].append(Column(row["t"], row["n"], row["type"], bool(row["nullable"]), members))
    return found


def kinds_of_rows(admin: Database, table: str, columns: list[Column]) -> list[Row]:
    """A row of each kind: rows are of one kind when they have the same states and values in the same columns."""
    kinds: dict[tuple[object, ...], Row] = {}
    keys = _keys(admin, table)
    # Ids and keys are drawn anew for each run, and the others are not.
    order = [each.name for each in columns if not each.name.endswith(("_id", "_key", "_by"))]
    for row in admin.query(f"SELECT * FROM {table} ORDER BY {', '.join(order)}"):
        states = {each.name for each in columns if each.members} - set(keys)
        kind = tuple(row[each.name] if each.name in states else not row[each.name] for each in columns)
        kinds.setdefault(kind, row)
    return list(kinds.values())


def damage_values(admin: Database, columns: list[Column]) -> Iterator[Damage]:
    """Change every column of a row of each kind to whatever else it could be; nothing of it stays."""
    table = columns[0].table
    rows = kinds_of_rows(admin, table, columns)
    for column in columns:
        known = [row[column.name] for row in rows if row[column.name] is not None]
        for row in rows:
            where, which = _where(admin, table, row)
            for value, arguments in _other_values(column, row[column.name], known):
                statement = f"UPDATE {table} SET {column.name} = {value} WHERE {where}"
                yield Damage(str(column), statement, row, _shown(admin, table, statement, *arguments, *which))


def delete_rows(admin: Database, columns: list[Column]) -> Iterator[Damage]:
    """Delete a row of each kind past all foreign keys; it comes back."""
    table = columns[0].table
    for row in kinds_of_rows(admin, table, columns):
        where, which = _where(admin, table, row)
        statement = f"DELETE FROM {table} WHERE {where}"
        yield Damage(table, statement, row, _shown(admin, table, statement, *which))


def _other_values(column: Column, value: object, known: list[Any]) -> Iterator[tuple[str, list[object]]]:
    if value is not None and column.nullable:
        yield "NULL", []
    if column.members:
        # Its neighbours: every other one would take three times as long and shows no more.
        others = [member for member in column.members if member != f"'{value}'"]
        yield from ((member, []) for member in (others[0], others[-1]))
    elif value is not None:
        yield from ((other.format(column.name), []) for other in OTHER[column.data_type])
    elif column.data_type in SOME:
        yield SOME[column.data_type], []
    elif not known:
        yield OTHER[column.data_type][0].format(column.name), []
    # What another row has is the most plausible of all.
    taken = [other for other in known if other != value]
    if taken and column.name.endswith(("_id", "_key", "_by")) and column.data_type in ("varchar", "binary"):
        yield "%s", [taken[0]]


@cache
def _keys(admin: Database, table: str) -> list[str]:
    return [key["Column_name"] for key in admin.query(f"SHOW KEYS FROM {table} WHERE Key_name = 'PRIMARY'")]


def _where(admin: Database, table: str, row: Row) -> tuple[str, list[object]]:
    keys = _keys(admin, table)
    return " AND ".join(f"{key} = %s" for key in keys), [row[key] for key in keys]


def _shown(admin: Database, table: str, statement: str, *arguments: object) -> list[str]:
    """The rules that the statement breaks, until it is undone."""
    admin.query("START TRANSACTION")
    try:
        admin.query(statement, *arguments)
        return [row["violation"] for row in admin.query(f"EXECUTE violations_of_{table}")]
    except mysql.connector.Error as error:
        if error.errno not in REFUSED:
            raise
        return ["refused"]
    finally:
        admin.query("ROLLBACK")
