"""MySQL goes away and comes back; the API is never restarted."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import mysql.connector
import pytest

from api.gateway.blocking import STALL_SECONDS
from sql.server.private import PrivateServer
from tests.support.buyer import Buyer, buyers, problem_of
from tests.support.database import Database
from tests.support.fault_lengths import times
from tests.support.running_sale import assert_sold_once, running_sale
from tests.support.sale import go_on_sweeping, new_key, new_product, stock, stop_sweeping
from tests.support.service import Service
from tests.support.waiting import wait_until

AT_ONCE_SECONDS = 1.5
NO_SUCH_THREAD = 1094
# In the middle of a CALL the list names the procedure's definer.
API_SESSIONS = "SELECT id FROM information_schema.processlist WHERE user IN ('flashsale_api', 'flashsale_owner')"
STUCK = "SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'Waiting for global read lock'"


def assert_out_of_service(answer: httpx.Response) -> None:
    """A 503 that says when to come back."""
    assert (answer.status_code, problem_of(answer)) == (503, "service_unavailable")
    assert int(answer.headers["retry-after"]) >= 1


def seconds_of(request: Callable[..., httpx.Response], *arguments: object) -> tuple[httpx.Response, float]:
    """An answer, and how long it took."""
    began = time.monotonic()
    return request(*arguments), time.monotonic() - began


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_without_mysql_the_api_says_so_at_once_and_resumes_by_itself(
    service: Service, mysql_server: PrivateServer, connect_as: Callable[..., Database], way: str
) -> None:
    product, workers = new_product(connect_as("dba"), 100), service.workers()
    with buyers(service.url, 20) as crowd:
        for buyer in crowd:
            assert buyer.hold(product).status_code == 201
        getattr(mysql_server, way)()

        for number, buyer in enumerate(crowd):
            began = time.monotonic()
            assert_out_of_service(buyer.hold(product) if number % 2 else buyer.get(f"/api/products/{product}"))
            assert_out_of_service(buyer.get("/readyz"))
            assert buyer.get("/healthz").status_code == 200
            assert time.monotonic() - began < AT_ONCE_SECONDS

        mysql_server.start()
        deadline = time.monotonic() + 5
        while (answer := crowd[0].hold(product)).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert answer.status_code == 201
        assert [buyer.get("/readyz").status_code for buyer in crowd] == [200] * 20
    assert service.workers() == workers
    assert stock(connect_as("dba"), product) == (79, 21, 0)


def test_killing_mysql_in_the_middle_of_a_sale_loses_and_doubles_nothing(
    service: Service, mysql_server: PrivateServer, connect_as: Callable[..., Database]
) -> None:
    with running_sale(service.url, connect_as("dba")) as sale:
        for _ in range(times(1, 20)):
            sale.goes_on(20)
            mysql_server.kill()
            mysql_server.start()
        sale.goes_on(30)

    assert sale.answers[503] > 0
    assert sale.answers.keys() <= {200, 201, 202, 503}
    assert_sold_once(connect_as("dba"), sale)


@pytest.mark.parametrize("how", ["KILL", "KILL QUERY"])
def test_killed_connections_cost_no_buyer_anything(
    service: Service, db: Database, connect_as: Callable[..., Database], how: str
) -> None:
    admin = connect_as("admin")
    with running_sale(service.url, db) as sale:
        killed = 0
        while killed < times(25, 500):
            for row in admin.query(API_SESSIONS):
                admin.query("DO SLEEP(0.01)")
                killed += kill(admin, how, row["id"])

    assert sale.answers.keys() <= {200, 201, 202, 503}
    assert_sold_once(db, sale)


def kill(admin: Database, how: str, connection: int) -> bool:
    """Whether it was still there to be killed."""
    try:
        admin.query(f"{how} {connection}")
    except mysql.connector.errors.DatabaseError as error:
        if error.errno != NO_SUCH_THREAD:
            raise
        return False
    return True


def test_a_server_that_became_read_only_is_out_of_service_until_it_is_not(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    product, admin = new_product(db, 2), connect_as("admin")
    with Buyer(service.url) as buyer:
        admin.query("SET GLOBAL super_read_only = ON")
        try:
            assert_out_of_service(buyer.hold(product))
        finally:
            admin.query("SET GLOBAL read_only = OFF")
        assert buyer.hold(product).status_code == 201


def test_a_server_without_a_free_connection_is_out_of_service_until_there_is_one(
    own_service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    product, admin = new_product(db, 2), connect_as("admin")
    before = admin.value("SELECT @@GLOBAL.max_connections")
    with Buyer(own_service.url) as buyer:
        admin.query("SET GLOBAL max_connections = 1")
        try:
            assert_out_of_service(buyer.hold(product))
            assert_out_of_service(buyer.get("/readyz"))
        finally:
            admin.query("SET GLOBAL max_connections = %s", before)
        assert buyer.hold(product).status_code == 201


def test_a_stopped_event_is_seen_and_the_sale_goes_on(
    service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    admin = connect_as("admin")
    with Buyer(service.url) as buyer:
        for stop, word in (("DISABLE", "EVENT"), ("OFF", "event_scheduler")):
            stop_sweeping(admin, stop)
            try:
                answer = buyer.get("/readyz")
                assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
                assert word in answer.json()["detail"]
                assert buyer.hold(new_product(db, 1), key=new_key()).status_code == 201
            finally:
                go_on_sweeping(admin)
        assert buyer.get("/readyz").json()["status"] == "ok"


def test_a_database_that_stops_answering_is_out_of_service_for_writers_only_and_not_piled_up_on(
    own_service: Service, db: Database, connect_as: Callable[..., Database]
) -> None:
    """A backup's global read lock stops every commit, as a full disk does."""
    product, backup = new_product(db, 100), connect_as("admin")
    with buyers(own_service.url, 12) as crowd, ThreadPoolExecutor(12) as pool:
        backup.query("FLUSH TABLES WITH READ LOCK")
        try:
            first = [pool.submit(seconds_of, crowd[n].hold, product) for n in range(11)]
            wait_until(lambda: backup.value(STUCK) >= 2)  # fewer than buyers: they travel together
            assert crowd[11].get(f"/api/products/{product}").status_code == 200
            answers = [future.result() for future in first]
            assert [answer.status_code for answer, _ in answers] == [503] * 11
            assert max(seconds for _, seconds in answers) < 5

            for buyer in crowd[:3]:
                again = [seconds_of(buyer.hold, product) for _ in range(4)]
                assert [answer.status_code for answer, _ in again] == [503] * 4
                # A buyer of each worker may be the one to find out; then nobody does for a while.
                assert sum(seconds > 1 for _, seconds in again) <= 1
            assert crowd[11].get(f"/api/products/{product}").status_code == 200
        finally:
            backup.query("UNLOCK TABLES")
        deadline = time.monotonic() + STALL_SECONDS + 5
        while crowd[0].hold(product).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)
