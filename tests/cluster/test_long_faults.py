"""What can happen to a group in the middle of a sale: nothing acknowledged is lost, nothing is sold twice."""

import time
from pathlib import Path

import pytest

from sql.deploy.connections import execute
from sql.group import forming
from sql.group.members import session
from tests.support.buyer import Buyer
from tests.support.group import (
    FIRST_YES_SECONDS,
    Group,
    admin,
    assert_whole,
    frozen,
    running_group,
    sale_of,
    seconds_to_the_next_purchase,
    serving,
    view,
)
from tests.support.prometheus import scrape
from tests.support.sale import hold, new_product
from tests.support.service import Service
from tests.support.waiting import wait_until

CALLS = "flashsale_call_duration_seconds_count"


@pytest.mark.parametrize("turn", range(5))
def test_a_killed_primary_costs_seconds_and_no_purchase(group: Group, shop: Service, turn: int) -> None:
    with sale_of(group, shop) as sale:
        group.primary.kill()
        seconds = seconds_to_the_next_purchase(sale)
        assert seconds < FIRST_YES_SECONDS
        sale.goes_on(20)
    print(f"\nkill {turn + 1}: {seconds:.1f} s to the next purchase; answers {dict(sale.answers)}")
    found = scrape(shop.url)
    for procedure in (
        "create_hold",
        "create_order",
        "receive_payment_webhook",
    ):  # told of each request; and of each set
        assert found.value(CALLS, procedure=f"{procedure}s") > 0, "no buyers came together"
        assert found.value(CALLS, procedure=procedure) > 0


def test_a_primary_that_stands_still_is_replaced_and_changes_nothing_when_it_wakes(group: Group, shop: Service) -> None:
    with sale_of(group, shop) as sale:
        asleep = group.primary
        with frozen(asleep):
            assert seconds_to_the_next_purchase(sale) < FIRST_YES_SECONDS
            sale.goes_on(20)
        sale.goes_on(20)
        wait_until(lambda: view(asleep).role != "PRIMARY", 20)


def test_a_secondary_that_stands_still_stops_nobody_for_long(group: Group, shop: Service) -> None:
    with sale_of(group, shop) as sale, frozen(group.secondaries[0]):
        for _ in range(3):
            assert seconds_to_the_next_purchase(sale) < FIRST_YES_SECONDS
        sale.goes_on(20)


def test_without_a_majority_nothing_is_promised(group: Group, shop: Service) -> None:
    alone = group.primary
    with sale_of(group, shop) as sale:
        for node in group.secondaries:
            node.kill()
        wait_until(lambda: view(alone).state != "ONLINE", 30)
        said_yes = sum(sale.answers[status] for status in (200, 201, 202))
        refused = sale.answers[503]
        with Buyer(shop.url) as buyer:
            answer = buyer.hold(sale.product)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        paid = len(sale.paid)
        with admin(alone) as db:
            assert db.one("find_role")["role"] in ("outside", "minority")
            assert (
                db.value("SELECT COUNT(*) FROM orders WHERE product_id = %s AND status = 'paid'", sale.product) >= paid
            )
        wait_until(lambda: sale.answers[503] > refused + 20, 20)
        assert sum(sale.answers[status] for status in (200, 201, 202)) == said_yes
        group.form()
        assert seconds_to_the_next_purchase(sale) < FIRST_YES_SECONDS
        sale.goes_on(20)


def test_a_planned_switch_costs_nobody_an_answer(group: Group, shop: Service) -> None:
    with sale_of(group, shop) as sale:
        for node in group.secondaries:
            with session(group.primary) as connection, admin(node) as db:
                uuid = db.value("SELECT @@GLOBAL.server_uuid")
                execute(connection, f"SELECT group_replication_set_as_primary('{uuid}')")
            assert seconds_to_the_next_purchase(sale) < 5
            assert group.primary is node
            sale.goes_on(20)
    assert sale.answers[0] == 0


def test_after_the_loss_of_all_nodes_the_one_that_has_the_most_begins(group: Group, shop: Service) -> None:
    with sale_of(group, shop) as sale:
        behind = group.secondaries[0]
        behind.kill()
        sale.goes_on(20)
        last = group.primary
        group.kill_all()
        group.said.clear()
        group.form()
        assert any("has the most and begins it" in line for line in group.said)
        assert not any(f"node {behind.name} has the most" in line for line in group.said)
        assert last.running()
        assert seconds_to_the_next_purchase(sale) < FIRST_YES_SECONDS
        sale.goes_on(20)


def test_a_node_without_data_joins_by_what_the_others_have(group: Group, shop: Service) -> None:
    """By their binary logs, while these go back to the beginning."""
    with sale_of(group, shop) as sale:
        fresh = group.secondaries[0]
        fresh.kill()
        fresh.forget()
        group.form()
        sale.goes_on(20)
    assert_joined_as_equal(group, fresh)


def test_a_node_without_data_joins_by_a_copy_of_another(group: Group, shop: Service) -> None:
    """By clone, when the binary logs of the others begin later."""
    with sale_of(group, shop) as sale:
        fresh = group.secondaries[0]
        fresh.kill()
        fresh.forget()
        for node in group.nodes:
            if node is not fresh:
                with admin(node) as db:
                    db.query("FLUSH BINARY LOGS")
                    # By name: BEFORE NOW(6) spares what was written in this second.
                    db.query(f"PURGE BINARY LOGS TO '{db.query('SHOW BINARY LOGS')[-1]['Log_name']}'")
        group.form()
        with admin(fresh) as db:
            assert db.value("SELECT COUNT(*) FROM performance_schema.clone_status WHERE state = 'Completed'") == 1
        sale.goes_on(20)
    assert_joined_as_equal(group, fresh)


def assert_joined_as_equal(group: Group, fresh: object) -> None:
    """The node sells as any other when its turn comes, sweep included."""
    with session(group.primary) as connection, admin(fresh) as db:  # type: ignore[arg-type]
        uuid = db.value("SELECT @@GLOBAL.server_uuid")
        execute(connection, f"SELECT group_replication_set_as_primary('{uuid}')")
    wait_until(lambda: forming.primary_of(group.nodes) is fresh, 10)
    with admin(group.primary) as db:
        wait_until(lambda: db.one("find_role")["event_status"] == "ENABLED", 10)  # the API resumes it
        product = new_product(db, 1, hold_seconds=1)
        hold(db, product)
        ended = "SELECT COUNT(*) FROM hold_history WHERE product_id = %s"
        wait_until(lambda: db.value(ended, product) == 1, 20)
    assert_whole(group)


def test_an_api_without_any_node_answers_503_and_goes_on_by_itself(tmp_path: Path) -> None:
    with running_group(tmp_path / "group") as group, serving(group, tmp_path) as service:
        workers = service.workers()
        with sale_of(group, service, buyers=64) as sale:
            group.kill_all()
            until = time.monotonic() + 60
            before = sale.answers[503]
            wait_until(lambda: time.monotonic() > until, 70)
            assert sale.answers[503] > before + 100
            assert sale.answers[0] == 0
            group.form()
            assert seconds_to_the_next_purchase(sale) < FIRST_YES_SECONDS
            sale.goes_on(20)
        assert service.workers() == workers
