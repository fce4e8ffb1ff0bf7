"""A deployment beside sessions that keep what they have read: nobody waits for it, and it says who made it wait."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import mysql.connector
import pytest

from sql.deploy import deployment, patience
from sql.deploy.objects import all_objects
from sql.server.private import PrivateServer
from tests.support.database import Database
from tests.support.deploying import deploy, deployed
from tests.support.sale import EVENT, scheduler_off
from tests.support.waiting import wait_until

SCRATCH = "flashsale_waiting"
VIEWS = [item.name for item in all_objects() if item.kind == "VIEW"]
PROMPT_SECONDS = 4.0
CHANGED_VIEW = (
    "CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW payment_deadlines AS"
    " SELECT w.payment_id, w.order_id, w.follow_up, w.received_at, w.created_at AS waits_until FROM payments AS w"
)
DEFINITIONS = (
    "SELECT COALESCE(SUM(count_star), 0) FROM performance_schema.events_statements_summary_global_by_event_name"
    " WHERE event_name REGEXP '/(create|alter|drop|truncate|rename)_' AND event_name NOT REGEXP '(user|role)$'"
)


@pytest.fixture(scope="module")
def url(mysql_server: PrivateServer) -> Iterator[str]:
    """The address of a deployed database of these tests' own."""
    with deployed(mysql_server, SCRATCH) as address:
        yield address


@pytest.fixture
def admin(url: str) -> Iterator[Database]:
    """An administrator's session there; the next test finds the database as deployed."""
    with Database(url) as session:
        yield session
    deploy(url)


@pytest.fixture
def reader(url: str) -> Iterator[Database]:
    """A session with an open transaction, in which somebody looks at something and goes for a coffee."""
    with Database(url) as session:
        session.query("START TRANSACTION")
        yield session
        session.query("ROLLBACK")


@contextmanager
def others_are_answered_promptly(url: str, *procedures: str) -> Iterator[list[float]]:
    """Call the procedures again and again meanwhile; yields the seconds that each CALL took."""
    enough = threading.Event()
    seconds: list[float] = []

    def ask(procedure: str) -> None:
        with Database(url) as session:
            while not enough.is_set():
                began = time.monotonic()
                session.call(procedure)
                seconds.append(time.monotonic() - began)
                time.sleep(0.05)

    with ThreadPoolExecutor(len(procedures)) as pool:
        asking = [pool.submit(ask, procedure) for procedure in procedures]
        try:
            yield seconds
        finally:
            enough.set()
        for each in asking:
            each.result(timeout=60)
    assert max(seconds) < PROMPT_SECONDS


@contextmanager
def beginning(reader: Database, act: Callable[[], object]) -> Iterator[Callable[[float], object]]:
    """Begin something in another thread; yields what waits so long for its result. The reader leaves in any case."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(act)
        try:
            yield future.result
        finally:
            reader.query("ROLLBACK")


def test_a_deployment_without_a_change_defines_nothing_and_waits_for_nobody(
    url: str, admin: Database, reader: Database
) -> None:
    for view in VIEWS:
        reader.query(f"SELECT * FROM {view} LIMIT 1")
    before = admin.value(DEFINITIONS)

    with (
        others_are_answered_promptly(url, "health_check", "sweep") as answers,
        beginning(reader, lambda: deploy(url)) as result,
    ):
        assert result(20) == []

    assert admin.value(DEFINITIONS) == before
    assert len(answers) > 4


def hand_made_procedure(admin: Database) -> None:
    """Somebody replaced a procedure by one that leaves the transaction of its caller open."""
    admin.query("DROP PROCEDURE get_product")
    admin.query("CREATE DEFINER = flashsale_owner@localhost PROCEDURE get_product (IN in_id INT) SELECT 1")


def hand_made_event(admin: Database) -> None:
    """Somebody disabled the EVENT."""
    with scheduler_off(admin):
        admin.query(f"{EVENT} DISABLE")


@pytest.mark.parametrize(
    ("change", "look", "change_line"),
    [
        (
            lambda admin: admin.query(CHANGED_VIEW),
            "SELECT * FROM invariant_violations",
            "loaded view payment_deadlines",
        ),
        (hand_made_procedure, "CALL get_product(1)", "loaded procedure get_product"),
        (hand_made_event, "SHOW CREATE EVENT sweep_expired", "loaded event sweep_expired"),
        (
            lambda admin: admin.query("CREATE DEFINER = flashsale_owner@localhost VIEW bargains AS SELECT 1 AS a"),
            "SELECT * FROM bargains",
            "dropped view bargains",
        ),
    ],
    ids=["view", "procedure", "event", "left_behind"],
)
def test_what_a_reader_keeps_is_replaced_when_it_leaves_and_meanwhile_everybody_is_answered(
    url: str, admin: Database, reader: Database, change: Callable[[Database], None], look: str, change_line: str
) -> None:
    change(admin)
    reader.query(look)

    with (
        others_are_answered_promptly(url, "health_check", "sweep") as answers,
        beginning(reader, lambda: deploy(url)) as result,
    ):
        with pytest.raises(TimeoutError):
            result(3.5)
        assert len(answers) > 8
        reader.query("ROLLBACK")
        assert result(20) == [change_line]

    assert deploy(url) == []


@pytest.mark.parametrize(
    ("keep", "what"),
    [
        ("SELECT * FROM payment_deadlines", "view payment_deadlines"),
        ("LOCK INSTANCE FOR BACKUP", "account flashsale_owner"),
    ],
)
def test_a_reader_that_never_leaves_is_named_with_what_to_do(
    url: str, admin: Database, reader: Database, monkeypatch: pytest.MonkeyPatch, keep: str, what: str
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 2.0)
    admin.query(CHANGED_VIEW)
    reader.query(keep)
    connection = reader.value("SELECT CONNECTION_ID()")

    with (
        others_are_answered_promptly(url, "health_check"),
        beginning(reader, lambda: deploy(url)) as result,
        pytest.raises(mysql.connector.Error) as refused,
    ):
        result(20)

    assert re.search(rf"{what} .*connection {connection} of root@.*, idle for \d+ s", str(refused.value))
    assert f"KILL {connection}" in str(refused.value)
    assert "minute" not in admin.query("SHOW CREATE VIEW payment_deadlines")[0]["Create View"]


def test_a_migration_waits_in_short_slices_too(
    url: str, admin: Database, reader: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "9001.notice.sql").write_text("ALTER TABLE sweep_heartbeat COMMENT 'seen';")
    monkeypatch.setattr(deployment, "MIGRATIONS", tmp_path)
    reader.query("SELECT * FROM sweep_heartbeat LIMIT 1")

    with (
        others_are_answered_promptly(url, "health_check", "sweep"),
        beginning(reader, lambda: deploy(url)) as result,
    ):
        with pytest.raises(TimeoutError):
            result(4)
        reader.query("ROLLBACK")
        assert result(20) == ["applied migration 9001.notice"]

    assert admin.value("SELECT COUNT(*) FROM _yoyo_migration WHERE migration_id = '9001.notice'") == 1
    assert "COMMENT='seen'" in admin.query("SHOW CREATE TABLE sweep_heartbeat")[0]["Create Table"]


def test_a_reader_that_ends_a_moment_later_costs_a_deployment_a_moment(
    url: str, admin: Database, reader: Database
) -> None:
    admin.query(CHANGED_VIEW)
    reader.query("SELECT * FROM payment_deadlines")
    waiting = "SELECT COUNT(*) FROM performance_schema.metadata_locks WHERE lock_status = 'PENDING'"

    with beginning(reader, lambda: deploy(url)) as result:
        wait_until(lambda: admin.value(waiting) > 0, 20)
        reader.query("ROLLBACK")
        began = time.monotonic()
        assert result(20) == ["loaded view payment_deadlines"]

    assert time.monotonic() - began < PROMPT_SECONDS
