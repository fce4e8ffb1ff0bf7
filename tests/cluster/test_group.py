"""A group of three outlives its primary, and a node that does not sell writes nothing."""

import pytest

from sql.deploy.primary import find_primary
from sql.group import status
from sql.group.members import event_of
from sql.server.urls import parse
from tests.support.database import Database
from tests.support.deploying import deploy
from tests.support.group import (
    FIRST_YES_SECONDS,
    Group,
    admin,
    assert_whole,
    sale_of,
    seconds_to_the_next_purchase,
    view,
)
from tests.support.sale import hold, new_product
from tests.support.service import Service
from tests.support.waiting import wait_until


def role_on(db: Database) -> str:
    """What find_role says there."""
    return str(db.one("find_role")["role"])


def test_one_node_says_that_it_sells_and_the_others_that_they_do_not(group: Group) -> None:
    said = {}
    for node in group.nodes:
        with admin(node) as db:
            row = db.one("find_role")
            assert (row["members_online"], row["members"], row["event_status"]) == (3, 3, "ENABLED")
            assert row["node"] == f"127.0.0.1:{node.port}"
            health = db.one("health_check")
            assert (health["status"] == "unable") == (row["role"] != "primary")
            assert "read_only" not in str(health["detail"])
            said[node.name] = row["role"]

    assert sorted(said.values()) == ["primary", "secondary", "secondary"]
    assert {name for name, role in said.items() if role == "primary"} == {group.primary.name}
    assert find_primary(parse(group.url())).port == group.primary.port
    assert status.table(group.nodes).count("sells") == 1


def test_a_deployment_leaves_the_event_enabled_on_every_node(group: Group) -> None:
    for node in group.nodes:
        assert event_of(node) == "ENABLED"
    with admin(group.primary) as db:
        db.query("ALTER DEFINER = flashsale_owner@localhost EVENT sweep_expired ENABLE")  # logged, as a person would
    wait_until(lambda: all(event_of(node) != "ENABLED" for node in group.secondaries))

    changes = deploy(group.url())

    assert len([line for line in changes if line.startswith("enabled the EVENT on")]) == 2
    assert [event_of(node) for node in group.nodes] == ["ENABLED"] * 3
    assert deploy(group.url()) == []
    for node in group.secondaries:
        with admin(node) as db:
            assert db.value("SELECT @@GLOBAL.super_read_only AND NOT @@GLOBAL.offline_mode") == 1


def test_a_sale_outlives_its_primary(group: Group, shop: Service) -> None:
    with sale_of(group, shop) as sale:
        killed = group.primary
        killed.kill()
        assert seconds_to_the_next_purchase(sale) < FIRST_YES_SECONDS
        assert group.primary is not killed
        with admin(group.primary) as db:
            health = db.one("health_check")
            assert (health["status"], health["members_online"], health["members"]) == ("degraded", 2, 3)
            assert "2 of 3 nodes" in health["detail"]
        sale.goes_on(20)


def test_a_node_outside_its_group_writes_nothing(group: Group) -> None:
    outside = group.secondaries[0]
    with admin(group.primary) as db:
        product = new_product(db, 1, hold_seconds=1)
        hold(db, product)
    with admin(outside) as db:
        db.query("STOP GROUP_REPLICATION")
        before = db.value("SELECT @@GLOBAL.gtid_executed")
        db.query("SET GLOBAL super_read_only = OFF, GLOBAL read_only = OFF")  # what nobody should do
        assert role_on(db) == "outside"
        assert "never SET super_read_only" in db.one("health_check")["detail"]
        ran = "SELECT COALESCE(MAX(last_executed), 0) FROM information_schema.events WHERE event_name = 'sweep_expired'"
        for _ in range(2):  # the EVENT begins each second, and what began before the last was over
            last = db.value(ran)
            wait_until(lambda last=last: db.value(ran) != last)  # type: ignore[misc]

        assert db.value("SELECT @@GLOBAL.gtid_executed") == before
        db.query("SET GLOBAL super_read_only = ON")

    group.form()
    assert_whole(group)


@pytest.mark.parametrize("call", ["resume_sweep", "find_role"])
def test_what_the_api_asks_a_node_that_does_not_sell_changes_nothing(group: Group, call: str) -> None:
    with admin(group.secondaries[0]) as db:
        before = event_of(group.secondaries[0])
        assert db.one(call)["role"] == "secondary"
        assert event_of(group.secondaries[0]) == before
    assert view(group.secondaries[0]).state == "ONLINE"
