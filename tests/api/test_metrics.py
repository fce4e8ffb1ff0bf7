"""/metrics: right across the workers, whatever becomes of them or of MySQL."""

from __future__ import annotations

import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import mysql.connector
import pytest

from api.gateway import Row
from api.watch.figures import Figures
from api.watch.meter_files import PREFIX
from api.watch.sale_numbers import NUMBERS, SaleNumbers
from tests.support.buyer import Buyer, answers_at_once, buyers, statuses
from tests.support.database import Database
from tests.support.prometheus import Scrape, scrape
from tests.support.sale import hold, new_key, new_product, order, pay
from tests.support.service import Service, free_port
from tests.support.service_log import lines_of, log_lines
from tests.support.waiting import wait_until

Connect = Callable[..., Database]
REQUESTS = "flashsale_http_requests_total"


@pytest.fixture(scope="module")
def watched(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose every request is one of these tests'."""
    running = Service(api_url, tmp_path_factory.mktemp("watched") / "gunicorn.log")
    yield running
    running.stop()


def unheard(log: Path, **environment: str) -> Service:
    """A service whose MySQL is not there."""
    return Service(f"mysql://flashsale_api:x@127.0.0.1:{free_port()}/flashsale", log, **environment)


def api_sessions(admin: Database) -> int:
    """How many connections the API's account has open, in every service of this run."""
    statement = "SELECT COUNT(*) FROM information_schema.processlist WHERE USER = 'flashsale_api'"
    return int(admin.value(statement))


def is_stopped(process: int) -> bool:
    """Whether SIGSTOP has reached it."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].startswith("T")


@contextmanager
def buyers_at_each_worker(service: Service, count: int) -> Iterator[list[Buyer]]:
    """So many connected buyers at each worker, which alone runs while theirs are accepted."""
    with ExitStack() as stack:
        crowd = []
        for worker in service.workers():
            others = service.workers() - {worker}
            try:
                for other in others:
                    os.kill(other, signal.SIGSTOP)
                    wait_until(lambda other=other: is_stopped(other))  # type: ignore[misc]
                for _ in range(count):
                    crowd.append(stack.enter_context(Buyer(service.url)))
                    assert crowd[-1].get("/healthz").status_code == 200
            finally:
                for other in others:
                    os.kill(other, signal.SIGCONT)
        yield crowd


def test_every_request_is_counted_once_whichever_worker_answered(watched: Service, db: Database) -> None:
    product = new_product(db, 25)
    before = scrape(watched.url)

    with buyers_at_each_worker(watched, 20) as crowd:
        assert len(crowd) == 40
        holds = answers_at_once([lambda buyer=buyer: buyer.hold(product) for buyer in crowd])
        answers_at_once([lambda buyer=buyer: buyer.get(f"/api/products/{product}") for buyer in crowd])
        answers_at_once([lambda buyer=buyer: buyer.get("/api/products/0") for buyer in crowd[:7]])
        answers_at_once([lambda buyer=buyer: buyer.get(f"/{new_key()}") for buyer in crowd[:5]])

    assert statuses(holds) == {201: 25, 409: 15}
    after = scrape(watched.url)

    def counted(name: str, **labels: object) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    holding = {"route": "/api/holds", "method": "POST"}
    assert counted(REQUESTS, **holding, status=201, problem="") == 25
    assert counted(REQUESTS, **holding, status=409, problem="sold_out") == 15
    assert counted(REQUESTS, route="/api/products/{product_id}", status=200) == 40
    assert counted(REQUESTS, route="/api/products/{product_id}", status=404, problem="product_not_found") == 7
    assert counted(REQUESTS, route="unknown", status=404, problem="not_found") == 5
    assert counted("flashsale_http_request_duration_seconds_count", **holding) == 40
    assert counted("flashsale_http_request_duration_seconds_bucket", **holding, le="+Inf") == 40
    assert 0 < counted("flashsale_http_request_duration_seconds_sum", **holding) < 40 * 30
    assert counted("flashsale_call_duration_seconds_count", procedure="create_hold") == 40
    assert counted("flashsale_call_duration_seconds_count", procedure="get_product") == 40  # none for product 0
    served_by = {line["pid"] for line in log_lines(watched) if line.get("route") == "/api/holds"}
    assert served_by == watched.workers()


def test_what_gunicorn_refuses_is_counted_too(watched: Service) -> None:
    before = scrape(watched.url)
    with socket.create_connection(("127.0.0.1", watched.port)) as client:
        client.sendall(b"NO REQUEST\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 400 ")

    refused = {"route": "unreadable", "method": "other", "status": 400, "problem": "malformed_request"}
    assert scrape(watched.url).value(REQUESTS, **refused) - before.value(REQUESTS, **refused) == 1


def test_a_method_nobody_has_heard_of_makes_no_series_of_its_own(watched: Service) -> None:
    for method in ("BREW", "WHEN"):
        assert httpx.request(method, f"{watched.url}/api/holds").status_code == 405

    methods = {value for _, labels in scrape(watched.url).numbers for label, value in labels if label == "method"}
    assert "other" in methods
    assert not methods & {"BREW", "WHEN"}


def test_a_lost_connection_is_counted_with_its_retry(
    api_url: str, connect_as: Connect, db: Database, tmp_path: Path
) -> None:
    admin, product = connect_as("admin"), new_product(db, 100)
    sessions = "SELECT ID FROM information_schema.processlist WHERE USER = 'flashsale_api'"
    of_others = {session["ID"] for session in admin.query(sessions)}
    service = Service(api_url, tmp_path / "log")
    try:
        with buyers(service.url, 1) as [buyer]:
            while not scrape(service.url).value("flashsale_call_retries_total", cause="lost_connection"):
                for session in admin.query(sessions):
                    if session["ID"] not in of_others:
                        with suppress(mysql.connector.Error):  # it may be gone by itself
                            admin.query(f"KILL {session['ID']}")
                assert buyer.hold(product).status_code == 201
    finally:
        service.stop()


def test_a_procedure_that_is_being_replaced_is_counted_with_its_retries(
    watched: Service, connect_as: Connect, db: Database
) -> None:
    admin, product = connect_as("admin"), new_product(db, 1)
    replaced = {"cause": "replaced_procedure"}
    before = scrape(watched.url).value("flashsale_call_retries_total", **replaced)
    answers: list[httpx.Response] = []
    admin.query("REVOKE EXECUTE ON PROCEDURE get_product FROM flashsale_api@'%'")
    try:
        url = f"{watched.url}/api/products/{product}"
        waiting = threading.Thread(target=lambda: answers.append(httpx.get(url, timeout=30)))
        waiting.start()
        wait_until(lambda: scrape(watched.url).value("flashsale_call_retries_total", **replaced) > before)
    finally:
        admin.query("GRANT EXECUTE ON PROCEDURE get_product TO flashsale_api@'%'")
    waiting.join()

    [answer] = answers
    # There may be another line: on a busy machine the CALL was slow, too.
    [line] = [line for line in lines_of(watched, answer.headers["x-request-id"]) if line["event"] == "request"]
    assert (answer.status_code, line["errno"]) == (200, 1370)
    assert line["retries"] >= 1


def test_a_killed_worker_takes_its_connections_along_and_leaves_what_it_counted(
    api_url: str, connect_as: Connect, db: Database, tmp_path: Path
) -> None:
    admin, product = connect_as("admin"), new_product(db, 100)
    elsewhere = api_sessions(admin)
    service = Service(api_url, tmp_path / "log")

    def settled() -> bool:
        now = scrape(service.url)
        connections = now.value("flashsale_database_connections")
        return now.value("flashsale_workers") == 2 and connections == api_sessions(admin) - elsewhere > 0

    try:
        with buyers(service.url, 20) as crowd:
            assert statuses(answers_at_once([lambda buyer=buyer: buyer.hold(product) for buyer in crowd])) == {201: 20}
        wait_until(settled, 30)
        victim = min(service.workers())
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: len(service.workers() - {victim}) == 2)
        wait_until(settled, 30)
        assert scrape(service.url).value(REQUESTS, route="/api/holds", status=201) == 20
    finally:
        service.stop()


def test_a_file_that_a_worker_is_making_at_this_moment_is_in_nobodys_way(tmp_path: Path) -> None:
    service = unheard(tmp_path / "log", TMPDIR=str(tmp_path))
    try:
        [folder] = tmp_path.glob(PREFIX + "*")
        for kind in ("counter", "histogram", "gauge_livesum"):
            (folder / f"{kind}_999999999.db").touch()
        wait_until(lambda: scrape(service.url).value("flashsale_workers") == 2)  # it may not have begun yet
    finally:
        service.stop()


def test_the_sales_own_numbers_are_those_in_mysql(watched: Service, connect_as: Connect, db: Database) -> None:
    product = new_product(db, 100)
    hold(db, product, 3)
    pay(db, order(db, product, 5), amount=5000, currency="EUR")
    pay(db, order(db, product, 7), "failed")
    order(db, product, 2)

    def numbers(found: Scrape) -> dict[str, float]:
        units = {state: found.value("flashsale_stock_units", product_id=product, state=state)
                 for state in ("available", "held", "sold")}  # fmt: skip
        orders = {status: found.value("flashsale_orders", product_id=product, status=status)
                  for status in ("pending", "paid", "cancelled", "refunded")}  # fmt: skip
        return units | orders | {"holds": found.value("flashsale_holds", product_id=product)}

    expected = {
        "available": 90,
        "held": 3,
        "sold": 7,
        "pending": 1,
        "paid": 1,
        "cancelled": 1,
        "refunded": 0,
        "holds": 1,
    }
    wait_until(lambda: numbers(scrape(watched.url)) == expected, 30)
    wait_until(lambda: scrape(watched.url).value("flashsale_webhooks", outcome="applied")
               == db.value("SELECT COUNT(*) FROM payment_webhooks WHERE outcome = 'applied'"), 30)  # fmt: skip
    now = scrape(watched.url)
    assert now.value("flashsale_database_up") == 1
    assert now.value("flashsale_scheduler_on") == 1
    assert now.value("flashsale_invariant_violations") == 0
    assert now.value("flashsale_sweep_age_seconds") < 60


def test_every_number_is_exposed(watched: Service, db: Database) -> None:
    bought = order(db, new_product(db, 1))
    pay(db, bought, amount=1, currency="EUR")
    pay(db, bought, "dispute_opened")
    exposed = {f"flashsale_{number.name}{'_total' if number.counter else ''}" for number in NUMBERS}

    wait_until(lambda: exposed <= scrape(watched.url).names(), 30)


class Answers:
    """A gateway whose database says what it is told to."""

    def __init__(self, **rows: list[Row]) -> None:
        self.rows = rows

    def call(self, procedure: str, arguments: Sequence[Any]) -> list[Row]:
        """The rows that this procedure returns."""
        return self.rows[procedure]


def test_money_that_went_back_is_due_no_more_though_it_was_when_all_was_counted() -> None:
    together: Row = {"product_id": None, "node": "here", "role": "primary"}
    none_due = together | {"payments_due": 0, "money_due_by_currency": None}
    counted = together | {
        "payments_due": 1,
        "money_due_by_currency": '{"EUR": 1}',
        "payments_by_state": '{"paying": 7}',
    }
    patient = Answers(show_totals=[counted], check_invariants=[])
    told = SaleNumbers(Figures(Answers(show_board=[none_due]), patient)).collect()

    samples = {(sample.name, *sample.labels.values()): sample.value for family in told for sample in family.samples}
    samples.pop(("flashsale_counted_age_seconds",))
    assert samples == {
        ("flashsale_database_up",): 1, ("flashsale_node", "here"): 1, ("flashsale_invariant_violations",): 0,
        ("flashsale_payments", "paying"): 7, ("flashsale_payments", "due"): 0,
    }  # fmt: skip


def test_many_who_look_cost_one_call_a_second(watched: Service) -> None:
    calls = {"procedure": "show_board"}
    before = scrape(watched.url).value("flashsale_call_duration_seconds_count", **calls)
    began = time.monotonic()

    with buyers(watched.url, 10) as crowd:
        for _ in range(5):
            found = answers_at_once([lambda buyer=buyer: buyer.get("/metrics") for buyer in crowd])
            assert statuses(found) == {200: 10}
    after = scrape(watched.url).value("flashsale_call_duration_seconds_count", **calls)

    assert after - before <= 2 * (time.monotonic() - began + 1)  # two workers


def test_a_service_without_mysql_still_tells_its_own_numbers(tmp_path: Path) -> None:
    alone = unheard(tmp_path / "log")
    try:
        assert httpx.get(f"{alone.url}/api/products").status_code == 503
        wait_until(lambda: scrape(alone.url).value("flashsale_workers") == 2)  # one answers while another still begins
        now = scrape(alone.url)
    finally:
        alone.stop()

    assert now.numbers["flashsale_database_up", frozenset()] == 0
    assert now.value(REQUESTS, route="/api/products", status=503, problem="service_unavailable") == 1
    assert "flashsale_stock_units" not in now.names()


def test_a_mysql_that_hangs_does_not_hang_the_scrape(watched: Service, connect_as: Connect) -> None:
    admin = connect_as("admin")
    admin.query("LOCK TABLES products WRITE")
    try:
        began = time.monotonic()
        wait_until(lambda: scrape(watched.url).numbers["flashsale_database_up", frozenset()] == 0)
        assert time.monotonic() - began < 8  # Prometheus gives up after 10 s
    finally:
        admin.query("UNLOCK TABLES")
    wait_until(lambda: scrape(watched.url).numbers["flashsale_database_up", frozenset()] == 1, 30)


def test_the_meters_are_private_and_gone_with_the_service_or_at_the_next_start(tmp_path: Path) -> None:
    def folders() -> list[Path]:
        return list(tmp_path.glob(PREFIX + "*"))

    first = unheard(tmp_path / "1.log", TMPDIR=str(tmp_path))
    [left_behind] = folders()
    assert stat.S_IMODE(left_behind.stat().st_mode) == 0o700
    second = unheard(tmp_path / "2.log", TMPDIR=str(tmp_path))
    assert len(folders()) == 2  # nobody deletes what is in use
    orphans = first.workers()
    first.process.kill()
    first.process.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans), 30)
    assert left_behind.exists()
    second.stop()

    third = unheard(tmp_path / "3.log", TMPDIR=str(tmp_path))
    assert len(folders()) == 1
    assert not left_behind.exists()
    third.stop()
    assert folders() == []
