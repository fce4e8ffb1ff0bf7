"""The two clients of docs/clients/, run as they are."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import playwright
import pytest

from tests.support.database import Database
from tests.support.lossy_proxy import LossyProxy
from tests.support.refusing_proxy import RefusingProxy
from tests.support.sale import new_key, new_product, stock
from tests.support.service import ROOT, Service

FOLDER = ROOT / "docs" / "clients"
# Playwright brings the Node.js that it runs on.
NODE = Path(playwright.__file__).parent / "driver" / "node"
API_KEY = "the shop's own"
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CLIENTS = {"python": ("client.py", sys.executable), "js": ("client.mjs", str(NODE))}

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def shop_service(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API, where callers need a key and payment events have to be signed."""
    log = tmp_path_factory.mktemp("api") / "gunicorn.log"
    key = sha256(API_KEY.encode()).hexdigest()
    running = Service(api_url, log, FLASHSALE_WEBHOOK_SECRETS=SECRET, FLASHSALE_API_KEYS=key)
    yield running
    running.stop()


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Run:
    """Run a client of the folder with these arguments."""
    name, interpreter = CLIENTS[request.param]

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [interpreter, str(FOLDER / name), *map(str, arguments)],
            env=os.environ | {"WEBHOOK_SECRET": SECRET, "CHECKOUT_KEY": API_KEY}, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip

    return run


def test_a_unit_is_bought_and_paid_for(client: Run, shop_service: Service, db: Database) -> None:
    product = new_product(db, 3, hold_seconds=60)

    done = client(shop_service.url, product)

    assert done.returncode == 0, done.stderr
    bought = json.loads(done.stdout)
    assert bought["paid"] is True
    assert 50 < bought["seconds_left"] <= 60
    assert stock(db, product) == (2, 0, 1)
    order = db.one("get_order", bought["order_id"])
    assert order["status"] == "paid"
    assert f"{order['fulfilled_at'].isoformat(timespec='microseconds')}Z" == bought["fulfilled_at"]
    told = db.query(
        "SELECT payment_id, payment_status FROM payment_webhooks WHERE order_uuid = %s ORDER BY webhook_id",
        bought["order_id"],
    )
    assert [row["payment_status"] for row in told] == ["declined", "succeeded"]
    assert len({row["payment_id"] for row in told}) == 1


@pytest.mark.parametrize("language", CLIENTS)
def test_no_client_compares_a_deadline_with_the_clock_of_its_host(language: str) -> None:
    """A host's clock may be wrong, and signs only."""
    source = (FOLDER / CLIENTS[language][0]).read_text(encoding="utf-8")

    assert len(re.findall(r"time\.time\(|datetime|Date\b|utcnow", source)) == 1
    assert not re.search(r"expires_at|pay_by", source)


@pytest.mark.parametrize("lost", ["POST /api/holds ", "POST /api/orders ", "POST /api/payments/webhook "])
def test_a_lost_answer_is_asked_for_again_and_nothing_is_bought_twice(
    client: Run, shop_service: Service, db: Database, lost: str
) -> None:
    product = new_product(db, 3)

    with LossyProxy(shop_service.port) as proxy:
        proxy.lose_the_answer_to(lost)
        done = client(f"http://127.0.0.1:{proxy.port}", product)

    assert (done.returncode, proxy.lost) == (0, 1), done.stderr
    assert json.loads(done.stdout)["paid"] is True
    assert stock(db, product) == (2, 0, 1)


def test_a_shop_that_crashed_goes_on_with_the_same_cart(client: Run, shop_service: Service, db: Database) -> None:
    product, cart = new_product(db, 3), new_key()

    first, second = (client(shop_service.url, product, cart) for _ in range(2))

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert json.loads(first.stdout)["order_id"] == json.loads(second.stdout)["order_id"]
    assert stock(db, product) == (2, 0, 1)


def test_sold_out_is_said_and_not_repeated(client: Run, shop_service: Service, db: Database) -> None:
    product = new_product(db, 0)

    with RefusingProxy(shop_service.port, "/api/holds", refusals=0, retry_after=0) as proxy:
        done = client(proxy.url, product)

    assert (done.returncode, done.stdout) == (1, "")
    assert "no purchase: 409 sold_out: " in done.stderr
    assert len(proxy.arrivals) == 1


def test_a_busy_service_is_asked_again_when_it_says_so(client: Run, shop_service: Service, db: Database) -> None:
    product = new_product(db, 3)

    with RefusingProxy(shop_service.port, "/api/holds", refusals=2, retry_after=1) as proxy:
        done = client(proxy.url, product)

    assert done.returncode == 0, done.stderr
    assert len(proxy.arrivals) == 3
    assert all(later - earlier >= 1 for earlier, later in zip(proxy.arrivals, proxy.arrivals[1:], strict=False))
    assert len(set(proxy.keys)) == 1
    assert proxy.keys[0]
    assert stock(db, product) == (2, 0, 1)


@pytest.mark.parametrize("retry_after", [0, "Fri, 27 Nov 2026 09:00:00 GMT"], ids=["none", "a moment"])
def test_pauses_grow_where_no_number_of_seconds_is_named(
    client: Run, shop_service: Service, db: Database, retry_after: int | str
) -> None:
    """A proxy may name a moment instead, by a clock of its own."""
    product = new_product(db, 3)

    with RefusingProxy(shop_service.port, "/api/holds", refusals=4, retry_after=retry_after) as proxy:
        done = client(proxy.url, product)

    assert done.returncode == 0, done.stderr
    pauses = [later - earlier for earlier, later in zip(proxy.arrivals, proxy.arrivals[1:], strict=False)]
    assert len(pauses) == 4
    assert all(pause >= 0.05 * 2**number for number, pause in enumerate(pauses)), pauses  # half of 0.1, 0.2, 0.4, 0.8
