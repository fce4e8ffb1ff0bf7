"""The load test for others: every profile against an API that runs, judged by its tables or by its own figures."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtest import markets
from loadtest.markets import ApiMarket, own_database
from loadtest.plan import PROFILES, read_plan
from sql.server.private import PrivateServer
from sql.server.state import Failure
from tests.support.database import Database
from tests.support.refusing_proxy import RefusingProxy
from tests.support.sale import new_product, order, pay
from tests.support.service import ROOT, Service, free_port
from tests.support.signing import STANDARD_SECRET
from tests.support.waiting import wait_until

KEY = "key-of-the-load-test"
HASHED = hashlib.sha256(KEY.encode()).hexdigest()


def loadtest_of(tmp_path: Path, **settings: object) -> subprocess.Popen[str]:
    """A run of a few seconds, just started."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("FLASHSALE_", "LOADTEST_"))
    }
    environment |= {"LOADTEST_REPORT": str(tmp_path / "report.html"), "LOADTEST_SECONDS": "6", "LOADTEST_USERS": "20"}
    environment |= {name: str(value) for name, value in settings.items()}
    return subprocess.Popen(
        [sys.executable, "-m", "loadtest"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def loadtest(tmp_path: Path, **settings: object) -> tuple[int, str]:
    """The exit status of such a run, and all it printed."""
    with loadtest_of(tmp_path, **settings) as done:
        text = done.communicate(timeout=100)[0]
    return done.returncode, text


@pytest.mark.parametrize("profile", PROFILES)
def test_a_sale_at_a_running_api_is_judged_by_its_tables_and_leaves_nothing_on_sale(
    service: Service, connect_as: Callable[..., Database], tmp_path: Path, mysql_server: PrivateServer, profile: str
) -> None:
    admin = connect_as("admin")
    status, text = loadtest(
        tmp_path, LOADTEST_HOST=service.url, LOADTEST_PROFILE=profile, LOADTEST_STOCK=30 if profile == "edge" else 2000,
        FLASHSALE_ADMIN_URL=mysql_server.admin_url(), LOADTEST_WORKERS=2 if profile == "edge" else 1,
    )  # fmt: skip

    assert status == 0, text
    assert "PASSED" in text
    assert (tmp_path / "report.html").exists()
    made = admin.query("SELECT product_id, archived_at FROM products WHERE name LIKE 'Load test%%'")
    assert made
    assert all(row["archived_at"] for row in made), text


def test_without_the_database_the_own_figures_of_the_api_judge(
    api_url: str, db: Database, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    product = new_product(db, 4000)
    log = tmp_path_factory.mktemp("guarded") / "log"
    doors = {"FLASHSALE_API_KEYS": HASHED, "FLASHSALE_WEBHOOK_SECRETS": STANDARD_SECRET}
    guarded = Service(api_url, log, FLASHSALE_ENV="production", **doors)
    try:
        settings = {"LOADTEST_HOST": guarded.url, "LOADTEST_PRODUCTS": product, "LOADTEST_SECONDS": 3}
        told = {key: loadtest(tmp_path, **settings, LOADTEST_KEY=key) for key in ("", "another", KEY)}
        secrets = {"LOADTEST_KEY": KEY, "FLASHSALE_WEBHOOK_SECRETS": STANDARD_SECRET}
        status, text = loadtest(tmp_path, **settings, **secrets)
    finally:
        guarded.stop()

    assert status == 0, text
    assert f"units paid of product {product}" in text
    assert {code for code, _ in told.values()} == {1}
    assert all("say KEY=" in told[key][1] for key in ("", "another"))
    assert "set FLASHSALE_WEBHOOK_SECRETS" in told[KEY][1]


def test_the_database_of_make_run_is_found_where_the_address_is_its_api(
    service: Service, api_url: str, db: Database, mysql_server: PrivateServer, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setattr(markets, "private_server", lambda: mysql_server)
    assert own_database("https://shop.example") == ""
    assert own_database(service.url) == mysql_server.admin_url()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGHUP])
def test_nothing_stays_on_sale_when_it_is_stopped(
    service: Service, connect_as: Callable[..., Database], tmp_path: Path, mysql_server: PrivateServer, end: int
) -> None:
    admin = connect_as("admin")
    started = loadtest_of(
        tmp_path, LOADTEST_HOST=service.url, LOADTEST_SECONDS=60, FLASHSALE_ADMIN_URL=mysql_server.admin_url()
    )
    on_sale = "SELECT COUNT(*) FROM products WHERE name LIKE 'Load test%%' AND archived_at IS NULL"
    bought = "SELECT COUNT(*) FROM holds JOIN products USING (product_id) WHERE name LIKE 'Load test%%'"
    wait_until(lambda: admin.value(bought) > 0, 60)
    assert admin.value(on_sale) > 0
    started.send_signal(end)
    text = started.communicate(timeout=60)[0]

    assert started.returncode in (128 + end, 130), text
    assert admin.value(on_sale) == 0, text


@pytest.mark.parametrize(("retry_after", "pauses"), [(0, [0.05, 0.1]), (1, [1, 1])], ids=["growing", "as it is told"])
def test_a_buyer_whom_a_busy_api_refuses_asks_again_after_a_pause_under_the_same_key(
    service: Service, db: Database, tmp_path: Path, retry_after: int, pauses: list[float]
) -> None:
    product = new_product(db, 2000)
    with RefusingProxy(service.port, "/api/holds", refusals=2, retry_after=retry_after) as proxy:
        status, text = loadtest(
            tmp_path, LOADTEST_HOST=proxy.url, LOADTEST_PRODUCTS=product, LOADTEST_USERS=1, LOADTEST_SECONDS=4
        )

    assert status == 0, text
    assert "2  asked again after 503" in text
    assert len(set(proxy.keys[:3])) == 1
    assert all(
        later - earlier >= pause
        for earlier, later, pause in zip(proxy.arrivals, proxy.arrivals[1:], pauses, strict=False)
    )


def test_an_api_that_does_not_answer_is_told(tmp_path: Path) -> None:
    status, text = loadtest(tmp_path, LOADTEST_HOST=f"http://127.0.0.1:{free_port()}", LOADTEST_PRODUCTS=1)
    assert (status, "does not answer" in text) == (1, True)


def test_more_units_paid_than_there_were_is_oversold(service: Service, db: Database) -> None:
    product = new_product(db, 3)
    figures = ApiMarket(service.url, "", (product,))
    pay(db, order(db, product, 2))

    def judge(paid: int) -> list[str]:
        return figures.judge({"counts": {"holds": 1, f"units paid of product {product}": paid}})

    assert judge(2) == []
    assert "oversold" in judge(4)[0]
    assert judge(3) == [f"product {product}: 3 units paid, of which 2 are sold"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("PROFILE", "calm"), ("HOST", "shop.example"), ("USERS", "many"), ("PRODUCTS", "shoes"), ("SECONDS", "0")],
)
def test_what_is_not_understood_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"LOADTEST_{name}", value)
    with pytest.raises(Failure, match=f"LOADTEST_{name} must be"):
        read_plan()


def test_a_run_that_is_refused_says_why_and_ends_with_status_1(tmp_path: Path) -> None:
    status, text = loadtest(tmp_path, LOADTEST_PROFILE="calm")
    assert (status, text.strip().startswith("LOADTEST_PROFILE must be")) == (1, True)
