"""Who may do what: the API calls its procedures, the DBA every public one, and nobody writes past them."""

from collections.abc import Callable
from dataclasses import replace

import mysql.connector
import pytest

from api.routes import ROUTES
from sql.deploy.connections import connect
from sql.deploy.objects import all_objects
from sql.server.private import PrivateServer
from sql.server.urls import parse
from tests.support.database import Database, Refused

Connect = Callable[..., Database]

API_PROCEDURES = {route.procedure for route in ROUTES} | {
    "check_invariants", "compare_node", "count_refused_webhook", "create_holds", "create_orders", "end_call",
    "find_role", "receive_payment_webhooks", "resume_sweep", "show_board", "list_tasks", "show_totals",
    "claim_notifications", "set_receivers", "settle_notification",
}  # fmt: skip
"""Those of the routes, and what the API calls besides."""
# No right to the object, to the column, to any routine of this name, or to the database.
DENIED = {1142, 1143, 1370, 1044, 1227}


def denied(session: Database, statement: str) -> bool:
    """Whether MySQL forbids it, before it looks at anything else."""
    try:
        session.query(statement)
    except mysql.connector.Error as error:
        return error.errno in DENIED
    except Refused:
        return False
    return False


def tables(admin: Database) -> list[tuple[str, str]]:
    """Every table and view of the sale, each with one of its columns."""
    rows = admin.query(
        "SELECT table_name AS t, MIN(column_name) AS c FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND generation_expression = '' GROUP BY table_name"
    )
    assert {"holds", "orders", "invariant_violations", "_yoyo_migration"} <= {row["t"] for row in rows}
    return [(row["t"], row["c"]) for row in rows]


def procedures(admin: Database) -> dict[str, int]:
    """Every procedure on the server with its number of parameters."""
    rows = admin.query(
        "SELECT r.routine_name AS name, COUNT(p.parameter_name) AS parameters FROM information_schema.routines AS r"
        " LEFT JOIN information_schema.parameters AS p"
        "   ON p.specific_schema = r.routine_schema AND p.specific_name = r.specific_name"
        " WHERE r.routine_schema = DATABASE() GROUP BY r.routine_name"
    )
    return {row["name"]: row["parameters"] for row in rows}


def call(procedure: str, parameters: int) -> str:
    """A CALL with NULL for everything, or user variables where OUT parameters want them."""
    return f"CALL {procedure}({', '.join(['@x'] * parameters)})"


def test_the_api_neither_reads_nor_writes_any_table_or_view(connect_as: Connect) -> None:
    api = connect_as("api")
    for table, column in tables(connect_as("admin")):
        for statement in (
            f"SELECT * FROM {table}", f"SELECT COUNT(*) FROM {table}", f"INSERT INTO {table} () VALUES ()",
            f"UPDATE {table} SET {column} = NULL", f"DELETE FROM {table}", f"REPLACE INTO {table} () VALUES ()",
            f"TRUNCATE TABLE {table}", f"DROP TABLE {table}", f"LOCK TABLES {table} READ",
        ):  # fmt: skip
            assert denied(api, statement), statement


def test_the_api_calls_its_procedures_and_no_other(connect_as: Connect) -> None:
    api = connect_as("api")
    found = procedures(connect_as("admin"))

    assert {name for name, parameters in found.items() if not denied(api, call(name, parameters))} == API_PROCEDURES


def test_the_dba_calls_every_public_procedure_and_no_private_one(connect_as: Connect) -> None:
    dba = connect_as("dba")
    found = procedures(connect_as("admin"))
    public = {item.path.stem for item in all_objects() if item.kind == "PROCEDURE" and item.name[0] != "_"}

    assert {name for name, parameters in found.items() if not denied(dba, call(name, parameters))} == public


def test_the_dba_reads_every_table_and_view_and_writes_none(connect_as: Connect) -> None:
    dba = connect_as("dba")
    for table, column in tables(connect_as("admin")):
        dba.query(f"SELECT * FROM {table} LIMIT 1")
        for statement in (
            f"INSERT INTO {table} () VALUES ()", f"UPDATE {table} SET {column} = NULL", f"DELETE FROM {table}",
            f"TRUNCATE TABLE {table}", f"DROP TABLE {table}",
        ):  # fmt: skip
            assert denied(dba, statement), statement


@pytest.mark.parametrize("account", ["api", "dba"])
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a INT)", "CREATE PROCEDURE mine() SELECT 1", "DROP PROCEDURE get_hold",
        "ALTER EVENT sweep_expired DISABLE", "CREATE USER mine", "SET GLOBAL event_scheduler = OFF",
        "GRANT EXECUTE ON PROCEDURE get_hold TO flashsale_api@'%'", "SELECT * FROM mysql.user",
    ],
)  # fmt: skip
def test_neither_the_api_nor_the_dba_changes_the_installation(
    connect_as: Connect, account: str, statement: str
) -> None:
    assert denied(connect_as(account), statement)


def test_the_dba_sees_the_procedures_and_their_text(connect_as: Connect) -> None:
    dba = connect_as("dba")

    assert dba.value("SELECT COUNT(*) FROM information_schema.routines WHERE routine_schema = DATABASE()") > 40
    assert dba.query("SHOW CREATE PROCEDURE create_hold")[0]["Create Procedure"]


@pytest.mark.parametrize("account", ["flashsale_owner@localhost", "flashsale_dba@'%'"])
def test_nobody_logs_in_as_the_owner_or_as_the_role_not_even_with_a_password(
    mysql_server: PrivateServer, connect_as: Connect, account: str
) -> None:
    admin = connect_as("admin")
    admin.query(f"ALTER USER {account} IDENTIFIED BY 'known'")
    address = replace(parse(mysql_server.admin_url()), user=account.partition("@")[0], password="known")
    try:
        with pytest.raises(mysql.connector.Error) as refused:
            connect(address)
    finally:
        admin.query(f"ALTER USER {account} IDENTIFIED BY ''")

    assert refused.value.errno == 3118  # the account is locked


def test_every_routine_view_and_event_runs_as_the_owner(connect_as: Connect) -> None:
    definers = connect_as("admin").query(
        "SELECT definer, security_type FROM information_schema.routines WHERE routine_schema = DATABASE()"
        " UNION SELECT definer, security_type FROM information_schema.views WHERE table_schema = DATABASE()"
        " UNION SELECT definer, 'DEFINER' FROM information_schema.events WHERE event_schema = DATABASE()"
    )

    assert [tuple(row.values()) for row in definers] == [("flashsale_owner@localhost", "DEFINER")]
