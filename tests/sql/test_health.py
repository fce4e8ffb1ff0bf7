"""What the health check says: ok, degraded where the sale goes on, unable where nothing can be sold."""

import datetime
from collections.abc import Callable, Iterator

import mysql.connector
import pytest

from tests.sql.test_transactions import open_transactions
from tests.support.database import Database
from tests.support.sale import hold, new_product, sweep
from tests.support.unable_servers import UNABLE, Setting, set_globally

Connect = Callable[..., Database]


@pytest.fixture
def no_sweep(connect_as: Connect) -> Iterator[Database]:
    """An administrator who keeps the sweep from running, as if it never had."""
    session = connect_as("admin")
    assert session.value("SELECT GET_LOCK('sweep.flashsale', 10)") == 1
    session.query("DELETE FROM sweep_heartbeat")
    yield session
    session.query("DO RELEASE_ALL_LOCKS()")
    sweep(session)


def deployed_at(admin: Database) -> datetime.datetime:
    """When the EVENT was created, UTC."""
    statement = "SELECT created FROM information_schema.events WHERE event_schema = DATABASE()"
    created: datetime.datetime = admin.value(statement)
    return created


@pytest.mark.parametrize("setting", UNABLE, ids=lambda setting: setting.name)
def test_a_server_that_cannot_sell_says_unable_and_what_to_do(
    db: Database, connect_as: Connect, api_url: str, setting: Setting
) -> None:
    product, admin = new_product(db, 1), connect_as("admin")
    with set_globally(admin, setting), Database(api_url, autocommit=False) as api:
        health = api.one("health_check")
        board = api.call("show_board")[-1]
        with pytest.raises(mysql.connector.Error) as refused:
            hold(api, product)
        left_open = open_transactions(admin, api)

    assert (health["status"], board["health"]) == ("unable", health["detail"])
    assert setting.named in health["detail"]
    assert "SET GLOBAL" in health["detail"]
    assert refused.value.errno in {1290, 1665, 1792}
    assert left_open == 0
    assert db.one("health_check")["status"] == "ok"


def test_a_sweep_that_never_ran_is_named_a_minute_after_the_deployment(db: Database, no_sweep: Database) -> None:
    created = deployed_at(no_sweep)
    db.travel_to(created + datetime.timedelta(seconds=30))
    assert db.one("health_check")["status"] == "ok"
    db.travel_to(created + datetime.timedelta(seconds=62))
    health = db.one("health_check")

    assert health["status"] == "degraded"
    assert "never" in health["detail"]


@pytest.mark.parametrize("zone", ["+05:00", "SYSTEM", "-11:30"])
def test_a_persons_time_zone_makes_the_deployment_no_older(db: Database, no_sweep: Database, zone: str) -> None:
    created = deployed_at(no_sweep)
    db.travel_to(created + datetime.timedelta(seconds=30))
    db.query("SET time_zone = %s", zone)
    assert db.one("health_check")["detail"] is None
    db.query("SET time_zone = '+00:00'")
    db.travel_to(created + datetime.timedelta(seconds=62))
    db.query("SET time_zone = %s", zone)
    assert "never" in db.one("health_check")["detail"]
    db.query("SET time_zone = DEFAULT")


def test_a_database_of_another_collation_is_named(db: Database, connect_as: Connect) -> None:
    admin = connect_as("admin")
    admin.query("ALTER DATABASE flashsale COLLATE utf8mb4_0900_ai_ci")
    try:
        health = db.one("health_check")
    finally:
        admin.query("ALTER DATABASE flashsale COLLATE utf8mb4_0900_bin")

    assert health["status"] == "degraded"
    assert "ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin" in health["detail"]
