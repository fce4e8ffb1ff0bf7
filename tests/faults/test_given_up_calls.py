"""MySQL keeps a buyer waiting: the buyer is refused in time, and what was refused does not happen afterwards."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Thread

import httpx
import mysql.connector
import pytest

from api.gateway import Gateway
from api.gateway.blocking import Session
from sql.server.private import PrivateServer
from sql.server.urls import parse
from tests.faults.test_mysql_fails import API_SESSIONS, assert_out_of_service, seconds_of
from tests.support.buyer import Buyer, insist
from tests.support.database import Database
from tests.support.lossy_proxy import LossyProxy
from tests.support.sale import new_key, new_product, stock
from tests.support.service import Service
from tests.support.waiting import lock_waits, wait_until

IN_TIME_SECONDS = 5
AT_WORK = API_SESSIONS + " AND command <> 'Sleep'"
Connect = Callable[..., Database]


@pytest.fixture(scope="module")
def patient_server(mysql_server: PrivateServer) -> Iterator[PrivateServer]:
    """A MySQL that itself would let everybody wait for a minute: what ends in time, the API has ended."""
    with Database(mysql_server.admin_url()) as admin:
        before = admin.value("SELECT @@GLOBAL.innodb_lock_wait_timeout")
        admin.query("SET GLOBAL innodb_lock_wait_timeout = 60")
    yield mysql_server
    mysql_server.start()
    with Database(mysql_server.admin_url()) as admin:
        admin.query("SET GLOBAL innodb_lock_wait_timeout = %s", before)


@pytest.fixture(scope="module")
def shop(patient_server: PrivateServer, api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API before it."""
    running = Service(api_url, tmp_path_factory.mktemp("patient") / "gunicorn.log")
    yield running
    running.stop()


@pytest.fixture
def buyer(shop: Service) -> Iterator[Buyer]:
    """Somebody who is kept waiting. No CALL of an earlier test counts as stalled any more."""
    with Buyer(shop.url) as buyer:
        wait_until(lambda: buyer.get("/api/products").status_code == 200)
        yield buyer


# What keeps buyers waiting


@contextmanager
def a_locked_row(connect_as: Connect, product: int) -> Iterator[None]:
    """Somebody has the row of the product, and its orders."""
    session = connect_as("admin")
    session.query("START TRANSACTION")
    session.query("SELECT 1 FROM products WHERE product_id = %s FOR UPDATE", product)
    session.query("SELECT 1 FROM orders WHERE product_id = %s FOR UPDATE", product)
    yield
    session.query("ROLLBACK")


@contextmanager
def one_locked_row_after_another(connect_as: Connect, product: int) -> Iterator[None]:
    """Each is kept for less than anybody waits for a row, all together for longer than a buyer waits."""
    first, second = connect_as("admin"), connect_as("admin")
    for session, table in ((first, "products"), (second, "stock_stripes")):
        session.query("START TRANSACTION")
        session.query(f"SELECT 1 FROM {table} WHERE product_id = %s FOR UPDATE", product)

    def free_the_first() -> None:
        wait_until(lambda: bool(lock_waits(second)))
        time.sleep(1.6)
        first.query("ROLLBACK")

    freeing = Thread(target=free_the_first)
    freeing.start()
    yield
    freeing.join()
    second.query("ROLLBACK")


@contextmanager
def locked_tables(connect_as: Connect, product: int) -> Iterator[None]:
    """Somebody has the table of products."""
    session = connect_as("admin")
    session.query("LOCK TABLES products WRITE")
    yield
    session.query("UNLOCK TABLES")


@contextmanager
def a_change_of_a_table_that_waits(connect_as: Connect, product: int) -> Iterator[None]:
    """An ALTER TABLE waits for a reader, and everybody else for the ALTER TABLE."""
    reader, changer = connect_as("admin"), connect_as("admin")
    reader.query("START TRANSACTION")
    reader.query("SELECT 1 FROM products WHERE product_id = %s", product)
    changing = Thread(target=changer.query, args=("ALTER TABLE products COMMENT = 'products and their limits'",))
    changing.start()
    wait = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock'"
    wait_until(lambda: bool(reader.value(wait)))
    yield
    reader.query("ROLLBACK")
    changing.join()


@contextmanager
def a_global_read_lock(connect_as: Connect, product: int) -> Iterator[None]:
    """A backup keeps everybody from writing."""
    session = connect_as("admin")
    session.query("FLUSH TABLES WITH READ LOCK")
    yield
    session.query("UNLOCK TABLES")


BLOCKS = [a_locked_row, one_locked_row_after_another, locked_tables, a_change_of_a_table_that_waits, a_global_read_lock]
Block = Callable[[Connect, int], AbstractContextManager[None]]


def nobody_is_in_a_call(admin: Database) -> bool:
    """Whether no session of the API's is at work."""
    return admin.query(AT_WORK) == []


def refused_in_time(answer: httpx.Response, seconds: float) -> None:
    """A 503 that says when to come back, in time."""
    assert_out_of_service(answer)
    assert seconds < IN_TIME_SECONDS


@pytest.mark.parametrize("block", BLOCKS)
def test_a_hold_that_was_refused_is_not_made_when_the_way_is_free_again(
    buyer: Buyer, db: Database, connect_as: Connect, block: Block
) -> None:
    product, key = new_product(db, 5, stripes=1), new_key()

    with block(connect_as, product):
        refused_in_time(*seconds_of(buyer.hold, product, 1, key))

    wait_until(lambda: nobody_is_in_a_call(connect_as("admin")))
    assert stock(db, product) == (5, 0, 0)
    assert db.value("SELECT COUNT(*) FROM holds WHERE idempotency_key = %s", key) == 0
    insisted = insist(lambda: buyer.hold(product, 1, key))
    assert (insisted.status_code, "idempotent-replayed" in insisted.headers) == (201, False)
    assert stock(db, product) == (4, 1, 0)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block is not one_locked_row_after_another])
def test_an_order_that_was_refused_is_not_made_when_the_way_is_free_again(
    buyer: Buyer, db: Database, connect_as: Connect, block: Block
) -> None:
    product, key = new_product(db, 5, stripes=1), new_key()
    hold_id = insist(lambda: buyer.hold(product)).json()["hold_id"]

    with block(connect_as, product):
        refused_in_time(*seconds_of(buyer.order, hold_id, key))

    wait_until(lambda: nobody_is_in_a_call(connect_as("admin")))
    assert stock(db, product) == (4, 1, 0)
    assert insist(lambda: buyer.order(hold_id, key)).status_code == 201
    assert stock(db, product) == (4, 0, 1)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_payment_that_was_refused_is_not_applied_when_the_way_is_free_again(
    buyer: Buyer, db: Database, connect_as: Connect, block: Block
) -> None:
    product, key = new_product(db, 5, stripes=1), new_key()
    order_id = insist(lambda: buyer.hold(product)).json()["hold_id"]
    insist(lambda: buyer.order(order_id))

    with block(connect_as, product):
        refused_in_time(*seconds_of(buyer.pay, order_id, "failed", key))

    wait_until(lambda: nobody_is_in_a_call(connect_as("admin")))
    assert db.value("SELECT status FROM orders WHERE order_uuid = %s", order_id) == "pending"
    assert db.value("SELECT COUNT(*) FROM payment_webhooks WHERE idempotency_key = %s", key) == 0
    paid = insist(lambda: buyer.pay(order_id, "failed", key))
    assert (paid.json()["outcome"], paid.json()["deliveries"]) == ("applied", 1)
    assert stock(db, product) == (5, 0, 0)


def test_a_call_whose_connection_breaks_in_the_middle_is_ended_too(
    patient_server: PrivateServer, api_url: str, db: Database, connect_as: Connect, tmp_path: Path
) -> None:
    """The API asks again over another connection; what is left of the first may not come to life later."""
    product, key, admin = new_product(db, 5, stripes=1), new_key(), connect_as("admin")

    def in_a_call() -> set[int]:
        return {row["id"] for row in admin.query(AT_WORK)}

    def cut_the_first_call() -> None:
        wait_until(lambda: lock_waits(admin) == 1)
        first = in_a_call()
        proxy.cut()
        wait_until(lambda: len(in_a_call()) == 1 and in_a_call().isdisjoint(first), 1.5)

    with LossyProxy(patient_server.port) as proxy, ThreadPoolExecutor(1) as pool:
        running = Service(api_url.replace(f":{patient_server.port}/", f":{proxy.port}/"), tmp_path / "log")
        try:
            with Buyer(running.url) as buyer, a_locked_row(connect_as, product):
                cut = pool.submit(cut_the_first_call)
                refused_in_time(*seconds_of(buyer.hold, product, 1, key))
                cut.result()
                assert nobody_is_in_a_call(connect_as("admin"))
        finally:
            running.stop()

    assert stock(db, product) == (5, 0, 0)


def test_a_session_that_has_the_number_of_one_before_a_restart_is_left_alone(
    patient_server: PrivateServer, api_url: str, db: Database, connect_as: Connect
) -> None:
    product, admin = new_product(db, 5, stripes=1), connect_as("admin")
    node = parse(api_url)
    gateway = Gateway(node)
    with ThreadPoolExecutor(1) as pool, a_locked_row(connect_as, product):
        caller = connect_as("api")
        asked = pool.submit(caller.one, "create_hold", product, 1, None, new_key())
        wait_until(lambda: lock_waits(admin) == 1)
        session = caller.connection.connection_id
        assert session
        long_ago = time.monotonic() - 86_400

        assert gateway._end({Session(node, session): long_ago}) == {(node, session)}
        assert session in [row["id"] for row in admin.query(AT_WORK)]
        wait_until(lambda: gateway._end({Session(node, session): time.monotonic()}) == {(node, session)})
        with pytest.raises(mysql.connector.Error):
            asked.result()


def test_readiness_is_told_in_time(buyer: Buyer, connect_as: Connect) -> None:
    admin = connect_as("admin")
    admin.query("LOCK TABLES _yoyo_migration WRITE")
    try:
        refused_in_time(*seconds_of(buyer.get, "/readyz"))
    finally:
        admin.query("UNLOCK TABLES")


@pytest.fixture
def frozen(patient_server: PrivateServer) -> Iterator[Callable[[int], None]]:
    """Stops MySQL with SIGSTOP, or lets it go on; in the end it goes on."""
    pid = patient_server.pid
    assert pid is not None
    yield lambda number: os.kill(pid, number)
    os.kill(pid, signal.SIGCONT)


def test_a_mysql_that_hangs_is_told_in_time_and_does_nothing_twice_when_it_goes_on(
    shop: Service, buyer: Buyer, db: Database, connect_as: Connect, frozen: Callable[[int], None]
) -> None:
    product, key, admin = new_product(db, 5), new_key(), connect_as("admin")
    for _ in range(60):  # until every thread of the worker is connected: they take turns when a client pauses
        assert insist(lambda: buyer.get(f"/api/products/{product}")).status_code == 200
        time.sleep(0.015)
    before = len(admin.query(API_SESSIONS))
    frozen(signal.SIGSTOP)
    for _ in range(3):
        refused_in_time(*seconds_of(buyer.hold, product, 1, key))
        refused_in_time(*seconds_of(buyer.get, "/readyz"))
    frozen(signal.SIGCONT)

    # A hung CALL happens when MySQL goes on; the key makes the repeat the same hold.
    assert insist(lambda: buyer.hold(product, 1, key)).status_code in (200, 201)
    assert stock(db, product) == (4, 1, 0)
    wait_until(lambda: nobody_is_in_a_call(admin) and len(admin.query(API_SESSIONS)) <= before + 1, 20)
    assert insist(lambda: buyer.get("/readyz")).status_code == 200
