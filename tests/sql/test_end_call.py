"""A session inside a CALL that nobody waits for any more can be ended, and what it would have done does not happen."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import mysql.connector
import pytest

from tests.support.database import Database
from tests.support.sale import new_key, new_product, refusal, stock, until_somebody_waits
from tests.support.waiting import wait_until

Connect = Callable[..., Database]
NO_SUCH_SESSION = 2**62


def number_of(session: Database) -> int:
    """The id of its connection."""
    return int(session.value("SELECT CONNECTION_ID()"))


@contextmanager
def waiting_buyer(connect_as: Connect, product: int, key: str) -> Iterator[tuple[int, Future[object]]]:
    """A session of the API's in the middle of create_hold, waiting for a row that somebody has locked."""
    admin, buyer = connect_as("admin"), connect_as("api")
    number = number_of(buyer)
    admin.query("START TRANSACTION")
    admin.query("SELECT 1 FROM products WHERE product_id = %s FOR UPDATE", product)
    with ThreadPoolExecutor(1) as pool:
        asked: Future[object] = pool.submit(buyer.one, "create_hold", product, 1, None, key)
        until_somebody_waits(connect_as("admin"))
        yield number, asked
        admin.query("ROLLBACK")


@pytest.mark.parametrize("account", ["api", "dba"])
def test_a_call_that_waits_is_ended_and_has_no_effect_when_the_lock_is_free_again(
    connect_as: Connect, db: Database, account: str
) -> None:
    product, key = new_product(db, 5), new_key()
    other = connect_as(account)
    with waiting_buyer(connect_as, product, key) as (number, asked):
        wait_until(lambda: other.one("end_call", number)["gone"] == 1)
        with pytest.raises(mysql.connector.Error):
            asked.result()

    assert db.value("SELECT COUNT(*) FROM holds WHERE idempotency_key = %s", key) == 0
    assert stock(db, product) == (5, 0, 0)


def test_the_account_itself_may_not_kill_its_session_inside_a_call(connect_as: Connect, db: Database) -> None:
    """Why there is a procedure for it."""
    other = connect_as("api")
    with waiting_buyer(connect_as, new_product(db, 5), new_key()) as (number, _):
        with pytest.raises(mysql.connector.Error) as refused:
            other.query(f"KILL {number}")
        wait_until(lambda: other.one("end_call", number)["gone"] == 1)

    assert refused.value.errno == 1095


def test_a_commit_is_not_interrupted(connect_as: Connect, db: Database) -> None:
    """On a full disk that would end the server."""
    admin, buyer, other, product = connect_as("admin"), connect_as("api"), connect_as("api"), new_product(db, 5)
    number = number_of(buyer)
    states = "SELECT state FROM information_schema.processlist WHERE id = %s"
    admin.query("SET GLOBAL binlog_group_commit_sync_delay = 1000000")
    try:
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(buyer.one, "create_hold", product, 1, None, new_key())
            wait_until(lambda: admin.value(states, number) == "waiting for handler commit")
            assert other.one("end_call", number)["gone"] == 0
            assert asked.result()["status"] == "active"
    finally:
        admin.query("SET GLOBAL binlog_group_commit_sync_delay = 0")


def test_a_session_that_is_not_inside_a_call_is_left_alone(connect_as: Connect, db: Database) -> None:
    for account in ("admin", "dba", "api"):
        session = connect_as(account)
        number = number_of(session)
        assert connect_as("api").one("end_call", number) == {"connection_id": number, "gone": 0}
        assert number_of(session) == number


def test_a_session_that_is_not_there_is_gone(db: Database) -> None:
    assert db.one("end_call", NO_SUCH_SESSION) == {"connection_id": NO_SUCH_SESSION, "gone": 1}


@pytest.mark.parametrize("number", [None, 0, -1])
def test_only_a_number_names_a_session(db: Database, number: int | None) -> None:
    assert refusal(lambda: db.one("end_call", number)).slug == "invalid_argument"
