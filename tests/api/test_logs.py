"""One line a request, with what is needed to find it and to act, and with nothing of anybody's."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from falcon import testing

from api.app import Gateways, create_app
from api.gateway import where_it_failed
from api.settings import Settings, read_settings
from api.watch.logs import choose_format
from sql.server.state import Failure
from sql.server.urls import parse
from tests.conftest import API_PASSWORD
from tests.support.buyer import answers_at_once, buyers
from tests.support.database import Database
from tests.support.sale import new_key, new_product
from tests.support.service import Service, free_port, start_up_refusal
from tests.support.service_log import lines_of, log_lines
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def eager(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for which every CALL is a slow one."""
    running = Service(api_url, tmp_path_factory.mktemp("eager") / "log", FLASHSALE_SLOW_CALL_MS="0")
    yield running
    running.stop()


def test_a_request_leaves_one_line_that_says_what_became_of_it(
    service: Service, http: httpx.Client, db: Database
) -> None:
    answer = http.post(
        "/api/holds", json={"product_id": new_product(db, 1), "qty": 1}, headers={"X-Request-ID": "cart-7:a"}
    )

    [line] = lines_of(service, "cart-7:a")
    assert answer.headers["x-request-id"] == "cart-7:a"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line.pop("pid") in service.workers()
    assert 0 < line.pop("duration_ms") < 30_000
    assert line == {
        "level": "info", "event": "request", "request_id": "cart-7:a", "method": "POST", "route": "/api/holds",
        "status": 201, "procedure": "create_hold",
    }  # fmt: skip


def test_a_refusal_names_its_problem(service: Service, http: httpx.Client) -> None:
    answer = http.get(f"/api/orders/{new_key()}")

    [line] = lines_of(service, answer.headers["x-request-id"])
    assert (line["route"], line["status"], line["problem"]) == ("/api/orders/{order_id}", 404, "order_not_found")
    assert (line["level"], line["procedure"]) == ("info", "get_order")


def test_an_unknown_address_is_not_written_down(service: Service, http: httpx.Client) -> None:
    secret = new_key()
    answer = http.get(f"/{secret}?{secret}")

    [line] = lines_of(service, answer.headers["x-request-id"])
    assert (line["route"], line["problem"]) == ("unknown", "not_found")
    assert "procedure" not in line
    assert secret not in service.log.read_text()


@pytest.mark.parametrize("offered", ["a", "A.b_c:d/e+f=g@h-1", "x" * 128, "0b90b5a0-8b41-4eb0-a322-c0722fb8665c"])
def test_a_request_id_that_is_one_is_kept(http: httpx.Client, offered: str) -> None:
    assert http.get("/healthz", headers={"X-Request-ID": offered}).headers["x-request-id"] == offered


@pytest.mark.parametrize("offered", ["", "x" * 129, "two words", '"quoted"', "a\tb", "{}", "é", "-begins", "a,b"])
def test_a_request_id_that_is_none_is_replaced(http: httpx.Client, offered: str) -> None:
    kept = http.get("/healthz", headers={b"X-Request-ID": offered.encode()}).headers["x-request-id"]

    assert re.fullmatch("[0-9a-f]{32}", kept)


def test_every_request_has_an_id_of_its_own(http: httpx.Client) -> None:
    assert len({http.get("/healthz").headers["x-request-id"] for _ in range(20)}) == 20


def test_what_gunicorn_refuses_has_its_line_and_its_id(service: Service) -> None:
    with socket.create_connection(("127.0.0.1", service.port)) as client:
        client.sendall(b"GET /secret-thing HTTP/9.9\r\n\r\n")
        head = client.recv(65536).decode().lower()
    found = re.search(r"x-request-id: (\S+)\r\n", head)
    assert found

    [line] = lines_of(service, found[1])
    assert (line["route"], line["status"], line["problem"]) == ("unreadable", 400, "malformed_request")
    assert "secret-thing" not in service.log.read_text()


def test_lines_of_many_requests_at_once_do_not_mix(service: Service, db: Database) -> None:
    product, mark = new_product(db, 500), new_key()
    with buyers(service.url, 30) as crowd:
        for turn in range(5):
            answers_at_once([
                lambda buyer=buyer, name=f"{mark}:{turn}:{number}": buyer.request(
                    "GET", f"/api/products/{product}", **{"X-Request-ID": name}
                )
                for number, buyer in enumerate(crowd)
            ])  # fmt: skip

    def written() -> list[str]:
        return [line["request_id"] for line in log_lines(service) if str(line.get("request_id")).startswith(mark)]

    wait_until(lambda: len(written()) >= 150)
    assert sorted(written()) == sorted(f"{mark}:{turn}:{number}" for turn in range(5) for number in range(30))


def test_nothing_of_a_buyer_and_no_secret_is_written_down(eager: Service, db: Database) -> None:
    customer, key, event, token = (f"{what}-{new_key()}" for what in ("ada", "key", "evt", "token"))
    with httpx.Client(base_url=eager.url, headers={"Authorization": f"Bearer {token}", "Cookie": token}) as http:
        body = {"product_id": new_product(db, 9, max_per_customer=3), "qty": 1, "customer_id": customer}
        held = http.post("/api/holds", json=body, headers={"Idempotency-Key": key}, params={"who": customer}).json()
        assert http.post("/api/holds", json=body | {"qty": 2}, headers={"Idempotency-Key": key}).status_code == 422
        assert http.post("/api/holds", json=body | {"qty": 7}).status_code == 409
        assert http.post("/api/holds", content=f'{{"customer_id": "{customer}'.encode()).status_code == 415
        http.post("/api/orders", json={"hold_id": held["hold_id"]})
        payment = {"idempotency_key": event, "order_id": held["hold_id"], "status": "succeeded", "amount": 1}
        last = http.post("/api/payments/webhook", json=payment)
        lines_of(eager, last.headers["x-request-id"])

    log = eager.log.read_text()
    for secret in (customer, key, event, token, held["hold_id"], API_PASSWORD):
        assert secret not in log


def test_a_slow_call_is_told_with_its_request(eager: Service, db: Database) -> None:
    answer = httpx.get(f"{eager.url}/api/products/{new_product(db, 1)}")

    lines = {line["event"]: line for line in lines_of(eager, answer.headers["x-request-id"])}
    slow = lines["slow_call"]
    assert (slow["level"], slow["procedure"], slow["retries"]) == ("warning", "get_product", 0)
    assert 0 < slow["duration_ms"] <= lines["request"]["duration_ms"]
    assert slow["message"].startswith("slow CALL get_product: ")


def test_a_call_below_the_threshold_is_not_slow(api_url: str, mysql_server: object, tmp_path: Path) -> None:
    patient = Service(api_url, tmp_path / "log", FLASHSALE_SLOW_CALL_MS="60000")
    try:
        answer = httpx.get(f"{patient.url}/api/products")
        assert [line["event"] for line in lines_of(patient, answer.headers["x-request-id"])] == ["request"]
    finally:
        patient.stop()


def test_a_503_says_which_error_of_mysql_it_was(tmp_path: Path) -> None:
    alone = Service(f"mysql://flashsale_api:x@127.0.0.1:{free_port()}/flashsale", tmp_path / "log")
    try:
        answer = httpx.get(f"{alone.url}/api/products")
        told, line = lines_of(alone, answer.headers["x-request-id"])
    finally:
        alone.stop()

    assert (line["level"], line["status"], line["problem"]) == ("warning", 503, "service_unavailable")
    assert line["errno"] == 2003
    assert (told["level"], told["event"]) == ("error", "message")
    assert "no connection to MySQL at 127.0.0.1:" in told["message"]


BUYER = "ada@shop.example"


class BrokenGateway:
    """Fails in a way nobody thought of, and quotes a buyer."""

    async def call(self, procedure: str, arguments: Any) -> list[dict[str, Any]]:
        try:
            raise KeyError(BUYER)
        except KeyError as error:
            raise ValueError(f"bad value: {BUYER}") from error


def test_a_fault_is_told_with_the_way_to_it_and_without_what_it_quotes(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(parse("mysql://api:secret@127.0.0.1/flashsale"))
    broken = BrokenGateway()
    client = testing.TestClient(create_app(Gateways(broken, broken, broken), settings))

    assert client.simulate_get("/api/products").status_code == 500
    assert "GET /api/products failed: builtins.ValueError" in caplog.text
    assert "caused by builtins.KeyError" in caplog.text
    assert "in respond" in caplog.text
    assert BUYER not in caplog.text


def test_a_chain_of_causes_ends() -> None:
    error = ValueError("x")
    error.__cause__ = error

    assert where_it_failed(error).count("ValueError") == 10


def test_in_a_terminal_a_line_is_text(api_url: str, mysql_server: object, tmp_path: Path) -> None:
    spoken = Service(api_url, tmp_path / "log", FLASHSALE_LOG_FORMAT="text")
    try:
        httpx.get(f"{spoken.url}/api/products/0", headers={"X-Request-ID": "shown"})
        httpx.get(f"{spoken.url}/api/products", headers={"X-Request-ID": "listed"})
        wait_until(lambda: "listed" in spoken.log.read_text())
    finally:
        spoken.stop()

    lines = spoken.log.read_text().splitlines()
    prefix = r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000\] \[\d+\] \[(INFO|WARNING|ERROR)\] "
    assert all(re.match(prefix, line) for line in lines)
    [shown] = [line for line in lines if line.endswith(" shown")]
    [listed] = [line for line in lines if line.endswith(" listed")]
    assert re.search(r"GET /api/products/\{product_id\} 404 product_not_found \d+\.\d ms shown$", shown)
    assert re.search(r"GET /api/products 200 list_products \d+\.\d ms listed$", listed)


@pytest.mark.parametrize(("terminal", "chosen"), [(True, "text"), (False, "json")])
def test_the_format_is_what_the_reader_can_use(monkeypatch: pytest.MonkeyPatch, terminal: bool, chosen: str) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)

    assert choose_format(None) == chosen
    assert (choose_format("json"), choose_format("text")) == ("json", "text")


def test_what_gunicorn_says_is_in_the_same_format(service: Service) -> None:
    messages = {line["message"]: line for line in log_lines(service) if line["event"] == "message"}

    assert messages[f"Listening at: {service.url} ({service.process.pid})"]["logger"] == "gunicorn.error"
    assert any(message.startswith("answering from MySQL at") for message in messages)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("FLASHSALE_LOG_FORMAT", "xml", "json or text"),
        ("FLASHSALE_SLOW_CALL_MS", "slow", "0 to 60000"),
        ("FLASHSALE_SLOW_CALL_MS", "60001", "0 to 60000"),
        ("FLASHSALE_SLOW_CALL_MS", "-1", "0 to 60000"),
    ],
)
def test_a_wrong_variable_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(Failure, match=f"{name} .*{allowed}"):
        read_settings({"FLASHSALE_DATABASE_URL": "mysql://a:b@127.0.0.1/c", name: value})


def test_nothing_starts_with_a_wrong_variable() -> None:
    status, printed = start_up_refusal(
        FLASHSALE_DATABASE_URL="mysql://a:b@127.0.0.1/c", FLASHSALE_LOG_FORMAT="xml", FLASHSALE_API_KEYS=""
    )

    assert status != 0
    assert "FLASHSALE_LOG_FORMAT is 'xml'" in printed
    assert "Traceback" not in printed
