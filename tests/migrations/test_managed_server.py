"""On a managed MySQL nobody has SUPER: the grants that docs/deploying.md names are enough, and needed."""

import re
from collections.abc import Iterator
from pathlib import Path

import mysql.connector
import pytest

from sql.deploy import patience
from sql.server.private import PrivateServer
from tests.support.database import Database
from tests.support.deploying import deploy
from tests.support.sale import new_product, order, pay

SCRATCH = "flashsale_managed"
DOCUMENT = (Path(__file__).parents[2] / "docs/deploying.md").read_text(encoding="utf-8")
[BLOCK] = re.findall(r"```sql\n(CREATE USER deployer.*?)```", DOCUMENT, re.DOTALL)
STATEMENTS = [line.rstrip(";").replace("`flashsale`", f"`{SCRATCH}`") for line in BLOCK.splitlines()]


def on_this_server(session: Database, statement: str) -> str:
    """The statement with the names that rights have before MySQL 8.2."""
    if tuple(map(int, session.value("SELECT VERSION()").split("-")[0].split("."))) < (8, 2):
        statement = statement.replace("SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER", "SET_USER_ID")
        statement = re.sub(r"SET_ANY_DEFINER|ALLOW_NONEXISTENT_DEFINER", "SET_USER_ID", statement)
    return statement


@pytest.fixture
def admin(mysql_server: PrivateServer) -> Iterator[Database]:
    """Somebody who may do everything; an account that may do what the document says is there meanwhile."""
    with Database(mysql_server.admin_url()) as session:
        for statement in STATEMENTS:
            session.query(on_this_server(session, statement))
        yield session
        session.query("DROP USER deployer")
        session.query(f"DROP DATABASE IF EXISTS {SCRATCH}")


@pytest.fixture
def deployers_url(mysql_server: PrivateServer) -> str:
    """The scratch database as that account sees it."""
    return f"mysql://deployer:%E2%80%A6@127.0.0.1:{mysql_server.port}/{SCRATCH}"


def test_the_documented_grants_deploy_twice_and_sell(
    admin: Database, deployers_url: str, mysql_server: PrivateServer
) -> None:
    assert admin.value("SELECT @@log_bin_trust_function_creators = 0 AND @@log_bin = 1") == 1

    deploy(deployers_url)
    with Database(mysql_server.admin_url(SCRATCH)) as session:
        session.query("DROP PROCEDURE create_hold")
        deploy(deployers_url)
        bought = order(session, new_product(session, 1))
        pay(session, bought)
        assert session.one("get_order", bought)["status"] == "paid"
        assert session.call("check_invariants") == []


def test_who_may_not_see_the_locks_is_told_that_somebody_holds_one(
    admin: Database, deployers_url: str, mysql_server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 1.0)
    deploy(deployers_url)
    with Database(mysql_server.admin_url(SCRATCH)) as reader:
        reader.query("DROP VIEW payment_deadlines")
        reader.query("CREATE VIEW payment_deadlines AS SELECT 1 AS payment_id")
        reader.query("START TRANSACTION")
        reader.query("SELECT * FROM payment_deadlines")
        with pytest.raises(mysql.connector.Error, match=r"view payment_deadlines .*performance_schema.*denied"):
            deploy(deployers_url)
        reader.query("ROLLBACK")
    deploy(deployers_url)


@pytest.mark.parametrize(
    "right",
    [
        "CREATE USER ON *.*", "ROLE_ADMIN ON *.*", "SET_ANY_DEFINER ON *.*", "ALLOW_NONEXISTENT_DEFINER ON *.*",
        "SHOW_ROUTINE ON *.*", "SELECT ON mysql.procs_priv",
        "SELECT ON performance_schema.replication_group_members",
        "SELECT ON performance_schema.replication_group_member_stats", f"SHOW VIEW ON `{SCRATCH}`.*",
    ],
)  # fmt: skip
def test_none_of_these_grants_is_too_many(admin: Database, deployers_url: str, right: str) -> None:
    admin.query(on_this_server(admin, f"REVOKE {right} FROM deployer"))

    with pytest.raises(mysql.connector.Error, match=r"denied|4006"):
        deploy(deployers_url)
        deploy(deployers_url)
