"""Keys for the API, a token for those who watch, and what every answer tells a browser."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from api.access import Guard, guard_of
from api.settings import read_settings
from sql.server.state import Failure
from tests.support.buyer import lasting, problem_of
from tests.support.database import Database
from tests.support.prometheus import scrape
from tests.support.sale import new_key, new_product, stock
from tests.support.service import Service, start_up_refusal

SHOP, APP, WATCH = "shop-key-4f1d", "app-key-91aa", "watch-token-0123456789"
ORIGIN = "https://shop.example"


def hash_of(key: str) -> str:
    """As FLASHSALE_API_KEYS wants it."""
    return sha256(key.encode()).hexdigest()


def bearer(secret: str) -> dict[str, str]:
    """The header that proves who asks."""
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture(scope="module")
def closed(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two keys, a token, and one origin that may call it."""
    running = Service(
        api_url,
        tmp_path_factory.mktemp("closed") / "log",
        FLASHSALE_API_KEYS=f"{hash_of(SHOP)}, {hash_of(APP).upper()}",
        FLASHSALE_METRICS_TOKEN=WATCH,
        FLASHSALE_CORS_ORIGINS=f"{ORIGIN} http://localhost:5173",
    )
    yield running
    running.stop()


@pytest.fixture
def guarded(closed: Service) -> Iterator[httpx.Client]:
    """A client without any key."""
    with httpx.Client(base_url=closed.url, timeout=30) as client:
        yield client


def assert_unauthorized(answer: httpx.Response) -> None:
    assert (answer.status_code, problem_of(answer)) == (401, "unauthorized")
    assert 'Bearer realm="flashsale"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("key", [SHOP, APP])
def test_each_key_opens_the_api(guarded: httpx.Client, db: Database, key: str) -> None:
    held = guarded.post("/api/holds", json={"product_id": new_product(db, 1), "qty": 1}, headers=bearer(key))

    assert held.status_code == 201
    assert guarded.get(f"/api/holds/{held.json()['hold_id']}", headers=bearer(key)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {}, bearer("wrong"), bearer(hash_of(SHOP)), bearer(SHOP + "x"), bearer(SHOP[:-1]), bearer(WATCH),
        {"Authorization": SHOP}, {"Authorization": f"Basic {SHOP}"}, {"Authorization": "Bearer"}, {"X-API-Key": SHOP},
    ],
)  # fmt: skip
def test_without_a_known_key_nothing_of_the_api_is_served_and_nothing_happens(
    guarded: httpx.Client, db: Database, headers: dict[str, str]
) -> None:
    product = new_product(db, 5)
    assert_unauthorized(guarded.post("/api/holds", json={"product_id": product, "qty": 1}, headers=headers))
    for path in ("/api/products", f"/api/products/{product}", f"/api/orders/{new_key()}", "/api", "/api/nothing"):
        assert_unauthorized(guarded.get(path, headers=headers))

    assert db.one("get_product", product)["available"] == 5


def test_a_key_that_was_sent_and_is_not_known_is_told_apart(guarded: httpx.Client) -> None:
    assert "error" not in guarded.get("/api/products").headers["www-authenticate"]
    assert 'error="invalid_token"' in guarded.get("/api/products", headers=bearer("x")).headers["www-authenticate"]


@pytest.mark.parametrize(
    "path",
    [
        "//api/products", "///api/products", "/api//products", "/api/products/", "/%61pi/products", "/%2fapi/products",
        "/api%2fproducts", "/./api/products", "/healthz/../api/products", "/API/products",
        "/api/payments/webhook/../../products", "/api/payments/webhook/../products", "http://x/api/products",
        "http://x//api/products", "/api;x/products", "/api/products%00",
    ],
)  # fmt: skip
def test_no_way_to_spell_an_address_leads_around_the_key(closed: Service, path: str) -> None:
    with socket.create_connection(("127.0.0.1", closed.port)) as client:  # httpx would tidy it up
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert answer.split(b" ")[1] in (b"401", b"404")
    assert b'"products":' not in answer


# Whose an idempotency key is


def keyed(caller: str, key: str) -> dict[str, str]:
    """The headers of a caller's request that may be repeated."""
    return bearer(caller) | {"Idempotency-Key": key}


def test_the_same_idempotency_key_of_two_callers_is_two_keys(guarded: httpx.Client, db: Database) -> None:
    wanted, key = {"product_id": new_product(db, 5), "qty": 1}, new_key()
    of_shop = guarded.post("/api/holds", json=wanted, headers=keyed(SHOP, key))
    of_app = guarded.post("/api/holds", json=wanted, headers=keyed(APP, key))
    again = [guarded.post("/api/holds", json=wanted, headers=keyed(caller, key)) for caller in (SHOP, APP)]

    assert (of_shop.status_code, of_app.status_code) == (201, 201)
    assert of_shop.json()["hold_id"] != of_app.json()["hold_id"]
    assert [(answer.status_code, answer.headers["idempotent-replayed"]) for answer in again] == [(200, "true")] * 2
    assert [lasting(answer) for answer in again] == [lasting(of_shop), lasting(of_app)]


def test_what_one_caller_releases_under_a_shared_key_is_its_own(guarded: httpx.Client, db: Database) -> None:
    product, key = new_product(db, 5), new_key()
    wanted = {"product_id": product, "qty": 1}
    kept = guarded.post("/api/holds", json=wanted, headers=keyed(SHOP, key)).json()["hold_id"]
    other = guarded.post("/api/holds", json=wanted, headers=keyed(APP, key)).json()["hold_id"]
    guarded.delete(f"/api/holds/{other}", headers=bearer(APP))

    assert guarded.get(f"/api/holds/{kept}", headers=bearer(SHOP)).json()["status"] == "active"
    assert stock(db, product) == (4, 1, 0)


def test_orders_of_two_callers_may_share_a_key_too(guarded: httpx.Client, db: Database) -> None:
    product, key = new_product(db, 5), new_key()
    wanted = {"product_id": product, "qty": 1}
    holds = {
        caller: guarded.post("/api/holds", json=wanted, headers=bearer(caller)).json()["hold_id"]
        for caller in (SHOP, APP)
    }

    for status in (201, 200):
        answers = [
            guarded.post("/api/orders", json={"hold_id": hold_id}, headers=keyed(caller, key))
            for caller, hold_id in holds.items()
        ]
        assert [answer.status_code for answer in answers] == [status] * 2
        assert [answer.json()["order_id"] for answer in answers] == list(holds.values())


def test_what_a_caller_may_choose_is_as_long_as_without_keys(guarded: httpx.Client, db: Database) -> None:
    wanted = {"product_id": new_product(db, 5), "qty": 1}
    longest = "🙂".encode() * 223 + new_key()[:32].encode()
    for status in (201, 200):
        headers = {**bearer(SHOP), "Idempotency-Key": longest}
        assert guarded.post("/api/holds", json=wanted, headers=headers).status_code == status  # type: ignore[arg-type]
    for key in ("", "x" * 256):
        refused = guarded.post("/api/holds", json=wanted, headers=keyed(SHOP, key))
        assert (refused.status_code, problem_of(refused)) == (422, "invalid_argument")
        assert "1 to 255 characters" in refused.json()["detail"]


def test_mysql_sees_a_fingerprint_of_the_caller_before_the_key_and_neither_its_api_key_nor_its_hash(
    guarded: httpx.Client, db: Database
) -> None:
    key = new_key()
    wanted = {"product_id": new_product(db, 5), "qty": 1}
    hold_id = guarded.post("/api/holds", json=wanted, headers=keyed(SHOP, key)).json()["hold_id"]

    kept = db.value("SELECT idempotency_key FROM holds WHERE hold_uuid = %s", hold_id)
    assert kept == f"{hash_of(SHOP)[:16]}:{key}"


def test_no_caller_can_write_the_fingerprint_of_another(guarded: httpx.Client, db: Database) -> None:
    wanted, key = {"product_id": new_product(db, 5), "qty": 1}, new_key()
    of_shop = guarded.post("/api/holds", json=wanted, headers=keyed(SHOP, key)).json()["hold_id"]
    forged = guarded.post("/api/holds", json=wanted, headers=keyed(APP, f"{hash_of(SHOP)[:16]}:{key}"))

    assert forged.status_code == 201
    assert forged.json()["hold_id"] != of_shop


def test_the_key_of_a_payment_event_is_the_providers_whoever_delivers_it(guarded: httpx.Client, db: Database) -> None:
    event = {"idempotency_key": new_key(), "order_id": new_key(), "status": "failed"}
    first, second = (
        guarded.post("/api/payments/webhook", json=event, headers=headers) for headers in (bearer(SHOP), bearer(APP))
    )

    assert second.json() == first.json() | {"deliveries": 2}
    kept = "SELECT COUNT(*) FROM payment_webhooks WHERE idempotency_key = %s"
    assert db.value(kept, event["idempotency_key"]) == 1


def test_without_keys_nothing_is_put_before_an_idempotency_key(http: httpx.Client, db: Database) -> None:
    key = new_key()
    wanted = {"product_id": new_product(db, 5), "qty": 1}
    hold_id = http.post("/api/holds", json=wanted, headers=keyed(SHOP, key)).json()["hold_id"]

    assert db.value("SELECT idempotency_key FROM holds WHERE hold_uuid = %s", hold_id) == key


def test_the_provider_needs_no_key_for_its_webhook(guarded: httpx.Client) -> None:
    event = {"idempotency_key": new_key(), "order_id": new_key(), "status": "failed"}

    assert guarded.post("/api/payments/webhook", json=event).status_code == 202


def test_whoever_balances_the_load_needs_no_key(guarded: httpx.Client) -> None:
    assert [guarded.get(path).status_code for path in ("/healthz", "/readyz", "/openapi.json")] == [200, 200, 200]


def test_the_metrics_have_a_token_of_their_own(guarded: httpx.Client, closed: Service) -> None:
    assert scrape(closed.url, **bearer(WATCH)).value("flashsale_database_up") == 1
    for headers in ({}, bearer(SHOP), bearer(WATCH + "x")):
        assert_unauthorized(guarded.get("/metrics", headers=headers))


def test_a_browser_may_give_the_token_as_a_password(guarded: httpx.Client) -> None:
    asked = guarded.get("/board")

    assert_unauthorized(asked)
    # Chromium asks for a password only when Basic comes first.
    assert asked.headers["www-authenticate"].startswith('Basic realm="flashsale"')
    assert guarded.get("/metrics", auth=("anybody", WATCH)).status_code == 200
    assert guarded.get("/metrics", auth=("anybody", SHOP)).status_code == 401
    assert guarded.get("/metrics", headers={"Authorization": "Basic !!!"}).status_code == 401
    assert guarded.get("/api/products", auth=("anybody", SHOP)).status_code == 401


def test_who_was_refused_is_counted_by_what_they_asked_for(guarded: httpx.Client, closed: Service) -> None:
    refused = {"route": "/api/*", "status": 401, "problem": "unauthorized"}
    before = scrape(closed.url, **bearer(WATCH)).value("flashsale_http_requests_total", **refused)
    for number in range(5):
        guarded.get(f"/api/products/{number}")

    assert scrape(closed.url, **bearer(WATCH)).value("flashsale_http_requests_total", **refused) - before == 5


def test_without_keys_everything_is_open(http: httpx.Client) -> None:
    assert http.get("/api/products").status_code == 200
    assert http.get("/api/products", headers=bearer("any")).status_code == 200
    assert http.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    ("path", "guard"),
    [
        ("/api", Guard.API_KEY), ("/api/", Guard.API_KEY), ("/api/holds", Guard.API_KEY), ("/apiary", Guard.NOTHING),
        ("//api/holds", Guard.API_KEY), ("/api/payments", Guard.API_KEY), ("/api/payments/webhooks", Guard.API_KEY),
        ("/api/payments/webhook", Guard.NOTHING), ("/api/payments/webhook/stripe", Guard.NOTHING),
        ("/metrics", Guard.METRICS_TOKEN), ("/board", Guard.METRICS_TOKEN), ("/board/data", Guard.METRICS_TOKEN),
        ("/boardroom", Guard.NOTHING), ("/", Guard.NOTHING), ("/healthz", Guard.NOTHING),
    ],
)  # fmt: skip
def test_the_beginning_of_an_address_decides_what_it_asks_for(path: str, guard: Guard) -> None:
    assert guard_of(path)[1] is guard


# What every answer tells a browser


def test_every_answer_forbids_what_a_browser_might_do_with_it(guarded: httpx.Client, closed: Service) -> None:
    with socket.create_connection(("127.0.0.1", closed.port)) as client:
        client.sendall(b"NO REQUEST\r\n\r\n")
        head = client.recv(65536).partition(b"\r\n\r\n")[0].decode().lower().split("\r\n")
    refused_by_gunicorn = httpx.Headers([tuple(line.split(": ", 1)) for line in head[1:]])
    answers = [
        guarded.get(path, headers=bearer(SHOP)) for path in ("/api/products", "/api/products/0", "/no", "/healthz")
    ]
    answers.append(guarded.get("/api/products"))

    for headers in (refused_by_gunicorn, *(answer.headers for answer in answers)):
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["x-request-id"]


def test_no_cache_keeps_an_answer_of_the_api(guarded: httpx.Client) -> None:
    for headers in (bearer(SHOP), {}):
        assert guarded.get("/api/products", headers=headers).headers["cache-control"] == "no-store"


# Other origins


def test_a_page_of_an_allowed_origin_may_ask_and_read(guarded: httpx.Client) -> None:
    wants = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,content-type,idempotency-key"}  # fmt: skip
    asked = guarded.options("/api/holds", headers=wants)
    read = guarded.get("/api/products", headers=bearer(SHOP) | {"Origin": ORIGIN})
    refused = guarded.get("/api/products", headers={"Origin": ORIGIN})

    assert (asked.status_code, asked.content) == (204, b"")
    assert set(asked.headers["access-control-allow-methods"].split(", ")) == {"GET", "POST", "DELETE"}
    allowed = asked.headers["access-control-allow-headers"].lower().split(", ")
    assert set(wants["Access-Control-Request-Headers"].split(",")) <= set(allowed)
    assert (read.status_code, refused.status_code) == (200, 401)
    for answer in (asked, read, refused):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers
    assert "x-request-id" in read.headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", ORIGIN + ".evil.example", "http://shop.example", ""]
)
def test_a_page_of_any_other_origin_may_not(guarded: httpx.Client, origin: str) -> None:
    wants = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    asked = guarded.options("/api/holds", headers=wants)
    read = guarded.get("/api/products", headers=bearer(SHOP) | {"Origin": origin})

    assert asked.status_code == 401
    for answer in (asked, read):
        assert "access-control-allow-origin" not in answer.headers


def test_nothing_is_shared_unless_it_is_configured(http: httpx.Client) -> None:
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    for answer in (http.options("/api/holds", headers=headers), http.get("/api/products", headers=headers)):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/api/payments/webhook"])
def test_only_the_api_is_shared(guarded: httpx.Client, path: str) -> None:
    answer = guarded.options(path, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "GET"} | bearer(WATCH))

    assert not [name for name in answer.headers if name.startswith("access-control")]


# The environment


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FLASHSALE_API_KEYS", "s3cret-key"),
        ("FLASHSALE_API_KEYS", f"{hash_of(SHOP)},s3cret-key"),
        ("FLASHSALE_METRICS_TOKEN", "s3cret"),
        ("FLASHSALE_METRICS_TOKEN", "s3cret with some spaces in it"),
        ("FLASHSALE_CORS_ORIGINS", "*"),
        ("FLASHSALE_CORS_ORIGINS", "shop.example"),
        ("FLASHSALE_CORS_ORIGINS", "https://shop.example/"),
    ],
)
def test_a_wrong_variable_is_named_and_its_secret_is_not(name: str, value: str) -> None:
    with pytest.raises(Failure, match=name) as refused:
        read_settings({"FLASHSALE_DATABASE_URL": "mysql://a:b@127.0.0.1/c", name: value})

    assert "s3cret" not in str(refused.value)


def test_nothing_starts_with_a_key_that_is_not_hashed() -> None:
    status, printed = start_up_refusal(FLASHSALE_DATABASE_URL="mysql://a:b@127.0.0.1/c", FLASHSALE_API_KEYS="s3cret")

    assert status != 0
    assert "FLASHSALE_API_KEYS must be SHA-256 hashes" in printed
    assert "s3cret" not in printed


def test_keys_and_a_token_from_files_close_the_same_doors(api_url: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{hash_of(SHOP)}\n{hash_of(APP)}\n")
    (tmp_path / "token").write_text(WATCH + "\n")
    running = Service(
        api_url,
        tmp_path / "log",
        FLASHSALE_API_KEYS_FILE=str(tmp_path / "keys"),
        FLASHSALE_METRICS_TOKEN_FILE=str(tmp_path / "token"),
    )
    try:
        with httpx.Client(base_url=running.url, timeout=30) as client:
            for path in ("/api/products", "/metrics", "/board", "/board/data"):
                assert_unauthorized(client.get(path))
            assert {client.get("/api/products", headers=bearer(key)).status_code for key in (SHOP, APP)} == {200}
            assert client.get("/metrics", headers=bearer(WATCH)).status_code == 200
    finally:
        running.stop()


def test_secrets_do_not_show() -> None:
    settings = read_settings(
        {
            "FLASHSALE_DATABASE_URL": "mysql://a:b@127.0.0.1/c",
            "FLASHSALE_API_KEYS": hash_of(SHOP),
            "FLASHSALE_METRICS_TOKEN": WATCH,
        }
    )

    assert WATCH not in repr(settings)
    assert hash_of(SHOP) not in repr(settings)
    assert settings.api_keys == (bytes.fromhex(hash_of(SHOP)),)
