"""Where the sale could not run, nothing is deployed, and the message says what to do."""

import re
from collections.abc import Iterator

import pytest

from sql.server.private import PrivateServer
from sql.server.state import Failure
from tests.support.database import Database
from tests.support.deploying import deploy
from tests.support.sale import new_product, order, pay
from tests.support.unable_servers import UNABLE, Setting, set_globally

SCRATCH = "flashsale_refused"


@pytest.fixture
def url(mysql_server: PrivateServer) -> str:
    """The address of a database that is not there yet."""
    return mysql_server.admin_url(SCRATCH)


@pytest.fixture
def admin(mysql_server: PrivateServer) -> Iterator[Database]:
    """An administrator; the database is gone afterwards."""
    with Database(mysql_server.admin_url()) as session:
        yield session
        session.query(f"DROP DATABASE IF EXISTS {SCRATCH}")


def exists(admin: Database) -> bool:
    """Whether the database is there."""
    return bool(admin.query("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", SCRATCH))


@pytest.mark.parametrize("setting", UNABLE, ids=lambda setting: setting.name)
def test_a_server_that_cannot_sell_is_refused_before_anything_is_created(
    url: str, admin: Database, setting: Setting
) -> None:
    with set_globally(admin, setting), pytest.raises(Failure, match=setting.named) as refused:
        deploy(url)

    assert "SET GLOBAL" in str(refused.value)
    assert not exists(admin)


@pytest.mark.parametrize("made", ["CHARACTER SET latin1", "COLLATE utf8mb4_0900_ai_ci", "COLLATE utf8mb4_general_ci"])
def test_a_database_of_another_collation_is_refused_and_the_statement_of_the_message_mends_it(
    url: str, admin: Database, made: str
) -> None:
    admin.query(f"CREATE DATABASE {SCRATCH} {made}")

    with pytest.raises(Failure) as refused:
        deploy(url)
    assert admin.query("SELECT 1 FROM information_schema.tables WHERE table_schema = %s", SCRATCH) == []

    [statement] = re.findall(r"ALTER DATABASE [^;,]*utf8mb4_0900_bin", str(refused.value))
    admin.query(statement)
    assert deploy(url)
    with Database(url) as session:
        collations = session.query(
            "SELECT DISTINCT collation_name AS name FROM information_schema.parameters"
            " WHERE specific_schema = DATABASE() AND collation_name IS NOT NULL"
        )
        assert [row["name"] for row in collations] == ["utf8mb4_0900_bin"]
        bought = order(session, new_product(session, 1))
        pay(session, bought)
        assert session.call("check_invariants") == []


def test_procedures_of_another_collation_are_named_by_the_health_check_and_replaced(url: str, admin: Database) -> None:
    deploy(url)
    other = "ALTER DATABASE {} COLLATE {}"
    with Database(url) as session:
        source = session.query("SHOW CREATE PROCEDURE _read_health")[0]["Create Procedure"]
        session.query(other.format(SCRATCH, "utf8mb4_0900_ai_ci"))
        assert session.one("health_check")["status"] == "degraded"
        assert "ALTER DATABASE" in session.one("health_check")["detail"]
        session.query("DROP PROCEDURE _read_health")
        session.query(source)
        session.query(other.format(SCRATCH, "utf8mb4_0900_bin"))
        health = session.one("health_check")
        assert (health["status"], "run the migration" in health["detail"]) == ("degraded", True)

        assert deploy(url) == ["loaded procedure _read_health"]
        assert session.one("health_check")["status"] == "ok"


def test_a_migration_by_hand_under_another_mode_is_put_right(url: str, admin: Database) -> None:
    deploy(url)
    with Database(url) as session:
        source = session.query("SHOW CREATE PROCEDURE _take_units")[0]["Create Procedure"]
        session.query("SET SESSION sql_mode = ''")
        session.query("DROP PROCEDURE _take_units")
        session.query(source)

    assert deploy(url) == ["loaded procedure _take_units"]
