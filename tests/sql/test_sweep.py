"""The housekeeping: the EVENT that fires, bounded runs that never meet, and a heartbeat that tells."""

import time
from collections.abc import Callable, Iterator

import pytest

from sql.deploy.deployment import MIGRATIONS
from tests.support.database import Database, Row
from tests.support.sale import go_on_sweeping, hold, new_product, order, scheduler_off, stock, stop_sweeping, sweep


def run(db: Database, procedure: str, limit: int) -> Row:
    """Run one of the limited sweeps, also when the EVENT happens to be at it."""
    while True:
        row = db.one(procedure, limit)
        if row["ran"]:
            return row


@pytest.fixture
def sweep_lock(connect_as: Callable[..., Database]) -> Iterator[Database]:
    """A session that sweeps and does not come to an end."""
    session = connect_as("admin")
    assert session.value("SELECT GET_LOCK('sweep.flashsale', 10)") == 1
    yield session
    session.query("DO RELEASE_ALL_LOCKS()")


def test_the_event_ends_a_hold_of_one_second_by_itself(db: Database) -> None:
    product = new_product(db, 3, hold_seconds=1)
    hold_id = hold(db, product, 3)
    ended = "SELECT COUNT(*) FROM hold_history WHERE hold_uuid = %s AND ended_as = 'expired'"

    deadline = time.monotonic() + 20
    while not db.value(ended, hold_id) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert db.value(ended, hold_id) == 1
    assert db.value("SELECT COUNT(*) FROM holds WHERE hold_uuid = %s", hold_id) == 0
    assert db.value("SELECT SUM(available) FROM stock_stripes WHERE product_id = %s", product) == 3


def test_the_event_is_what_the_health_check_says_it_is(db: Database) -> None:
    health = db.one("health_check")

    assert (health["status"], health["detail"]) == ("ok", None)
    assert (health["event_scheduler"], health["event_status"]) == ("ON", "ENABLED")
    assert health["schema_version"] == max(path.stem for path in MIGRATIONS.glob("*.sql"))


@pytest.mark.parametrize(
    ("stop", "named"),
    [("OFF", "event_scheduler"), ("DISABLE", "sweep_expired")],
)
def test_a_stopped_event_is_named_by_the_health_check(
    db: Database, connect_as: Callable[..., Database], stop: str, named: str
) -> None:
    admin = connect_as("admin")
    stop_sweeping(admin, stop)
    try:
        health = db.one("health_check")
    finally:
        go_on_sweeping(admin)

    assert health["status"] == "degraded"
    assert named in health["detail"]


def test_expired_units_that_wait_for_more_than_a_minute_are_named_by_the_health_check(db: Database) -> None:
    hold(db, new_product(db, 1))
    db.travel(120 + 62)

    health = db.one("health_check")

    assert health["status"] == "degraded"
    assert health["sweep_lag_seconds"] > 60


def test_a_sweep_ends_holds_and_orders_and_says_how_many_and_how_late(db: Database) -> None:
    db.travel(901)
    sweep(db)
    db.come_back()
    product = new_product(db, 30)
    for _ in range(3):
        hold(db, product)
        order(db, product)
    db.travel(901)

    swept = sweep(db)

    assert (swept["holds_expired"], swept["orders_expired"]) == (3, 3)
    assert 781 <= swept["lag_seconds"] < 801
    assert stock(db, product) == (30, 0, 0)
    assert sweep(db)["holds_expired"] == 0


def test_a_sweep_leaves_a_heartbeat(db: Database) -> None:
    db.travel(5)
    sweep(db)

    [beat] = db.query("SELECT started_at, holds_expired FROM sweep_heartbeat ORDER BY run_id DESC LIMIT 1")

    assert beat["started_at"] <= db.now()


def test_limited_sweeps_end_the_oldest_and_no_more_than_their_limit(db: Database) -> None:
    db.travel(20_000_000)  # farther than any other test goes, and nothing of theirs is left to sweep
    sweep(db)
    product = new_product(db, 30)
    holds = [hold(db, product, 2) for _ in range(5)]
    orders = [order(db, product) for _ in range(5)]
    db.travel(20_000_901)

    assert run(db, "expire_holds", 3) == {"ran": 1, "expired": 3, "units": 6}
    assert run(db, "expire_orders", 2) == {"ran": 1, "expired": 2, "units": 2}
    assert run(db, "expire_holds", 1_000_000) == {"ran": 1, "expired": 2, "units": 4}
    assert run(db, "expire_orders", 1_000_000) == {"ran": 1, "expired": 3, "units": 3}
    assert run(db, "expire_holds", 1) == {"ran": 1, "expired": 0, "units": 0}
    assert len(holds) == len(orders) == 5
    assert stock(db, product) == (30, 0, 0)


def test_more_than_one_batch_of_several_products_is_swept_in_one_run(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    products = [new_product(db, 700, stripes=4), new_product(db, 10)]
    admin = connect_as("admin")
    admin.query("SET SESSION cte_max_recursion_depth = 100000")
    admin.query("START TRANSACTION")
    admin.query(
        "INSERT INTO holds (hold_id, product_id, qty, unit_price_minor, created_at, expires_at)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)"
        " SELECT UUID_TO_BIN(UUID(), 1), %s, 1, 1000, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 100 SECOND FROM n",
        products[0],
    )
    admin.query("UPDATE stock_stripes SET available = 0 WHERE product_id = %s", products[0])
    admin.query("COMMIT")
    hold(db, products[1], 10)
    db.travel(121)

    assert sweep(db)["holds_expired"] >= 701

    for product, units in zip(products, (700, 10), strict=True):
        assert db.value("SELECT SUM(available) FROM stock_stripes WHERE product_id = %s", product) == units


def test_two_sweeps_never_run_at_once(db: Database, sweep_lock: Database) -> None:
    hold(db, new_product(db, 1))
    db.travel(121)

    assert (db.one("sweep")["ran"], db.one("sweep")["holds_expired"]) == (0, 0)
    assert db.one("expire_holds", 10) == {"ran": 0, "expired": 0, "units": 0}
    assert db.one("expire_orders", 10) == {"ran": 0, "expired": 0, "units": 0}


def test_a_sweep_that_was_refused_lets_the_next_one_run(db: Database) -> None:
    hold(db, new_product(db, 1))
    db.travel(121)
    for _ in range(3):
        assert sweep(db)["ran"] == 1


def test_a_sweep_leaves_alone_what_somebody_is_working_on_and_does_the_rest(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    product = new_product(db, 10)
    busy, idle = hold(db, product, 4), hold(db, product, 6)
    buyer = connect_as("admin")
    buyer.query("START TRANSACTION")
    buyer.query("SELECT * FROM holds WHERE hold_id = UUID_TO_BIN(%s) FOR UPDATE", busy)
    db.travel(121)

    sweep(db)
    left = [row["hold_uuid"] for row in db.query("SELECT hold_uuid FROM holds WHERE product_id = %s", product)]
    buyer.query("ROLLBACK")
    sweep(db)

    assert left == [busy]
    assert idle not in left
    assert stock(db, product) == (10, 0, 0)


def test_units_come_back_also_when_the_scheduler_is_off(db: Database, connect_as: Callable[..., Database]) -> None:
    admin = connect_as("admin")
    product = new_product(db, 2)
    hold(db, product, 2)
    with scheduler_off(admin):
        db.travel(121)
        hold(db, product, 2)
        assert stock(db, product) == (0, 2, 0)


def test_more_expired_holds_than_one_reclaiming_takes_are_withdrawn_or_held_as_a_whole(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    product = new_product(db, 20_200, stripes=4, max_per_hold=20_000)
    admin = connect_as("admin")
    admin.query("SET SESSION cte_max_recursion_depth = 100000")
    admin.query("START TRANSACTION")
    admin.query(
        "INSERT INTO holds (hold_id, product_id, qty, unit_price_minor, created_at, expires_at)"
        " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100)"
        " SELECT UUID_TO_BIN(UUID(), 1), %s, 2, 1000, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 100 SECOND FROM n",
        product,
    )
    admin.query("UPDATE stock_stripes SET available = 0 WHERE product_id = %s", product)
    admin.query("COMMIT")
    db.travel(121)

    db.one("adjust_stock", product, -20_200, "recall")

    assert stock(db, product) == (0, 0, 0)
