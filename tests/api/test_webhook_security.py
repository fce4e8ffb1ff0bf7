"""Only a payment provider gets in: over HTTP, with secrets of both providers configured."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.support.buyer import problem_of
from tests.support.database import Database, Row
from tests.support.sale import footprint, hold, new_key, new_product, order, stock
from tests.support.service import Service
from tests.support.signing import (
    STANDARD_NEXT,
    STANDARD_SECRET,
    STRIPE_NEXT,
    STRIPE_SECRET,
    standard_headers,
    stripe_headers,
)
from tests.support.stripe_events import event, succeeded

WEBHOOK = "/api/payments/webhook"
JSON_TYPE = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def secured(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API in production, while both providers change their secrets."""
    running = Service(
        api_url,
        tmp_path_factory.mktemp("secured") / "gunicorn.log",
        FLASHSALE_ENV="production",
        FLASHSALE_WEBHOOK_SECRETS=f"{STANDARD_NEXT},{STANDARD_SECRET}",
        FLASHSALE_STRIPE_SECRETS=f"{STRIPE_NEXT}, {STRIPE_SECRET}",
    )
    yield running
    running.stop()


@pytest.fixture
def shop(secured: Service) -> Iterator[httpx.Client]:
    """A caller of the webhook."""
    with httpx.Client(base_url=secured.url, timeout=30, verify=False, headers=JSON_TYPE) as client:
        yield client


@pytest.fixture
def order_id(db: Database) -> str:
    """An order of two units for 20.00 EUR."""
    return order(db, new_product(db, 5), 2)


def payment(order_id: str, key: str | None = None, amount: int = 2000) -> bytes:
    """A payment that succeeded."""
    told = {"idempotency_key": key or new_key(), "order_id": order_id, "status": "succeeded", "amount": amount}
    return json.dumps(told | {"currency": "EUR"}).encode()


def refusals(admin: Database) -> Row:
    """How many webhooks were refused, by reason."""
    rows = admin.query("SELECT reason, SUM(refusals) AS refusals FROM webhook_refusals GROUP BY reason")
    return {row["reason"]: int(row["refusals"]) for row in rows}


def assert_refused(db: Database, shop: httpx.Client, headers: dict[str, str], body: bytes, reason: str) -> str:
    """A 401 that says why, one more of this reason, and nothing else that changed; return what it says."""
    before, counted = footprint(db), refusals(db)

    answer = shop.post(WEBHOOK, content=body, headers=headers)

    assert (answer.status_code, problem_of(answer)) == (401, "signature_invalid")
    assert answer.headers["www-authenticate"] == 'Webhook-Signature realm="payments"'
    assert refusals(db) == counted | {reason: counted.get(reason, 0) + 1}
    assert footprint(db) == before
    return str(answer.json()["detail"])


@pytest.mark.parametrize("secret", [STANDARD_SECRET, STANDARD_NEXT], ids=["old", "new"])
def test_a_payment_signed_by_standard_webhooks_is_applied(
    shop: httpx.Client, db: Database, order_id: str, secret: str
) -> None:
    body = payment(order_id)

    answer = shop.post(WEBHOOK, content=body, headers=standard_headers(body, secret))

    assert (answer.status_code, answer.json()["outcome"], answer.json()["order_status"]) == (200, "applied", "paid")


@pytest.mark.parametrize("secret", [STRIPE_SECRET, STRIPE_NEXT], ids=["old", "new"])
def test_a_payment_signed_by_stripe_is_applied_and_kept_in_full(
    shop: httpx.Client, db: Database, order_id: str, secret: str
) -> None:
    told = succeeded(order_id, 2000)
    body = json.dumps(told, indent=2).encode()

    answer = shop.post(
        WEBHOOK,
        content=body,
        headers={"Content-Type": "application/json; charset=utf-8"} | stripe_headers(body, secret),
    )

    receipt = answer.json()
    assert (answer.status_code, receipt["outcome"], receipt["order_status"]) == (200, "applied", "paid")
    assert receipt["idempotency_key"] == told["id"]
    [kept] = db.query("SELECT * FROM payment_webhooks WHERE webhook_id = %s", receipt["webhook_id"])
    assert (kept["amount_minor"], kept["currency"]) == (2000, "EUR")
    assert kept["occurred_at"].isoformat() == "2026-11-27T09:00:00"
    assert json.loads(kept["payload"]) == told


def test_a_life_of_a_payment_at_stripe(shop: httpx.Client, db: Database) -> None:
    """Declined, paid, disputed, refunded in part and in full, which fails and is repeated; each delivered twice."""
    product = new_product(db, 5)
    order_id = order(db, product, 2)
    told = [
        event("payment_intent.created", order_id, 2000),
        event("payment_intent.payment_failed", order_id, 2000),
        succeeded(order_id, 2000),
        event("charge.succeeded", order_id, 2000),
        event("charge.dispute.created", order_id, 2000),
        event("charge.dispute.closed", order_id, 2000, status="won"),
        event("charge.refunded", order_id, 2000, amount_refunded=500),
        event("charge.refunded", order_id, 2000, amount_refunded=2000),
        event("refund.failed", order_id, 1500),
        event("charge.refunded", order_id, 2000, amount_refunded=2000),
    ]
    outcomes = []
    for body in (json.dumps(one).encode() for one in told):
        first, again = (shop.post(WEBHOOK, content=body, headers=stripe_headers(body)) for _ in range(2))
        assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (200, 200, "true")
        assert again.json() == first.json() | {"deliveries": 2}
        shown = shop.get(f"/api/orders/{order_id}").json()
        outcomes.append((first.json()["payment_state"], shown["status"], shown["refunded"], shown["dispute"]))

    assert outcomes == [
        (None, "pending", 0, None),
        ("open", "pending", 0, None),
        ("paying", "paid", 0, None),
        (None, "paid", 0, None),
        ("paying", "paid", 0, "opened"),
        ("paying", "paid", 0, "won"),
        ("paying", "paid", 500, "won"),
        ("settled", "refunded", 2000, "won"),
        ("due", "refunded", 500, "won"),
        ("settled", "refunded", 2000, "won"),
    ]
    assert stock(db, product) == (5, 0, 0)


def test_an_event_that_is_about_no_order_is_recorded_as_ignored(shop: httpx.Client, db: Database) -> None:
    told = event("customer.created", "not ours")
    body = json.dumps(told).encode()

    receipt = shop.post(WEBHOOK, content=body, headers=stripe_headers(body)).json()

    assert (receipt["payment_status"], receipt["order_id"], receipt["outcome"]) == ("other", None, "ignored")
    assert (receipt["payment_id"], receipt["payment_state"]) == (None, None)
    assert receipt["reason"]
    [kept] = db.query("SELECT payload FROM payment_webhooks WHERE webhook_id = %s", receipt["webhook_id"])
    assert json.loads(kept["payload"]) == told


def test_in_production_a_payment_of_test_mode_is_kept_and_pays_nothing(
    shop: httpx.Client, db: Database, order_id: str
) -> None:
    told = succeeded(order_id, 2000, live=False)
    body = json.dumps(told).encode()

    receipt = shop.post(WEBHOOK, content=body, headers=stripe_headers(body)).json()

    assert (receipt["payment_status"], receipt["outcome"]) == ("other", "ignored")
    assert shop.get(f"/api/orders/{order_id}").json()["status"] == "pending"
    payload = db.value("SELECT payload FROM payment_webhooks WHERE webhook_id = %s", receipt["webhook_id"])
    assert json.loads(payload) == told


@pytest.mark.parametrize("odd", [{"amount_received": None}, {"currency": "euro"}, {"amount_received": 20.0}])
def test_an_authentic_event_that_says_too_little_is_kept_and_pays_nothing(
    shop: httpx.Client, db: Database, order_id: str, odd: dict[str, object]
) -> None:
    body = json.dumps(event("payment_intent.succeeded", order_id, 2000, **odd)).encode()

    answer = shop.post(WEBHOOK, content=body, headers=stripe_headers(body))

    assert (answer.status_code, answer.json()["payment_status"]) == (200, "other")
    assert shop.get(f"/api/orders/{order_id}").json()["status"] == "pending"


def test_an_event_of_almost_1_mib_is_taken_signed_and_kept_in_full(
    shop: httpx.Client, db: Database, order_id: str
) -> None:
    told = succeeded(order_id, 2000)
    told["data"]["object"]["description"] = "😀" * 200_000
    body = json.dumps(told, ensure_ascii=False).encode()
    assert 2**19 < len(body) <= 2**20

    answer = shop.post(WEBHOOK, content=body, headers=stripe_headers(body))
    too_large = shop.post(WEBHOOK, content=body.ljust(2**20 + 1), headers=stripe_headers(body))

    assert (answer.status_code, answer.json()["order_status"]) == (200, "paid")
    payload = db.value("SELECT payload FROM payment_webhooks WHERE webhook_id = %s", answer.json()["webhook_id"])
    assert json.loads(payload) == told
    assert (too_large.status_code, problem_of(too_large)) == (413, "payload_too_large")
    assert "1048576" in too_large.json()["detail"]


def test_a_fraction_of_a_krona_pays_nothing_and_its_refund_settles_it(
    shop: httpx.Client, db: Database, order_id: str
) -> None:
    paid = succeeded(order_id, 200010, "isk")
    refunded = event("charge.refunded", order_id, 200010, "isk", amount_refunded=200010)

    receipts = []
    for body in (json.dumps(told).encode() for told in (paid, refunded)):
        receipts.append(shop.post(WEBHOOK, content=body, headers=stripe_headers(body)).json())

    assert receipts[0]["outcome"] == "amount_mismatch"
    assert [receipt["payment_state"] for receipt in receipts] == ["due", "settled"]
    assert shop.get(f"/api/orders/{order_id}").json()["status"] == "pending"


def test_what_is_not_signed_is_refused(shop: httpx.Client, db: Database, order_id: str) -> None:
    detail = assert_refused(db, shop, {}, payment(order_id), "missing_signature")

    assert "missing" in detail
    assert "webhook-signature" in detail
    assert "Stripe-Signature" in detail


def test_what_is_no_json_is_refused_before_it_is_read(shop: httpx.Client, db: Database) -> None:
    assert_refused(db, shop, {}, b"{", "missing_signature")
    assert_refused(db, shop, stripe_headers(b"[]"), b"{", "invalid_signature")


def test_a_wrong_secret_is_refused(shop: httpx.Client, db: Database, order_id: str) -> None:
    body = payment(order_id)
    stripe_body = json.dumps(succeeded(order_id, 2000)).encode()

    detail = assert_refused(
        db, shop, standard_headers(body, secret=STANDARD_SECRET[:-4] + "AAA="), body, "invalid_signature"
    )
    assert "does not match" in detail
    assert_refused(db, shop, stripe_headers(stripe_body, STANDARD_SECRET), stripe_body, "invalid_signature")


def test_an_old_signature_is_refused(shop: httpx.Client, db: Database, order_id: str) -> None:
    body = payment(order_id)
    stripe_body = json.dumps(succeeded(order_id, 2000)).encode()

    for away in (-310, 310):
        detail = assert_refused(db, shop, standard_headers(body, at=time.time() + away), body, "stale_timestamp")
        assert "300 s" in detail
        assert_refused(db, shop, stripe_headers(stripe_body, at=time.time() + away), stripe_body, "stale_timestamp")


def test_a_recorded_delivery_can_be_repeated_but_not_changed(shop: httpx.Client, db: Database, order_id: str) -> None:
    """The sale of one unit is not turned into the payment of another order."""
    other = order(db, new_product(db, 5), 2)
    body = payment(order_id)
    headers = standard_headers(body)
    changed = body.replace(order_id.encode(), other.encode())

    assert shop.post(WEBHOOK, content=body, headers=headers).json()["deliveries"] == 1
    assert shop.post(WEBHOOK, content=body, headers=headers).json()["deliveries"] == 2
    assert_refused(db, shop, headers, changed, "invalid_signature")
    assert shop.get(f"/api/orders/{other}").json()["status"] == "pending"


@pytest.mark.parametrize("sign", [standard_headers, stripe_headers])
def test_a_sample_of_changed_bytes_is_refused_over_http(
    shop: httpx.Client, db: Database, order_id: str, sign: object
) -> None:
    """Each byte of everything is tried on the verifiers; these are about what HTTP makes of them."""
    body = payment(order_id)
    headers = sign(body)  # type: ignore[operator]
    attempts = [(headers, body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]) for at in range(0, len(body), 17)]
    attempts += [(headers, body + b" "), (headers, body[:-1]), (headers, b" " + body)]
    for name, text in headers.items():
        for at in range(0, len(text), 5):
            other = "1" if text[at] != "1" else "2"
            attempts.append((headers | {name: text[:at] + other + text[at + 1 :]}, body))
        attempts += [(headers | {name: text + text[-1]}, body), (headers | {name: text[:-1]}, body)]
    before = footprint(db)

    answers = [shop.post(WEBHOOK, content=changed, headers=given) for given, changed in attempts]

    assert len(answers) > 20
    assert {answer.status_code for answer in answers} == {401}
    assert footprint(db) == before


def test_a_header_given_twice_is_refused(secured: Service, db: Database, order_id: str) -> None:
    body = payment(order_id)
    right = list(standard_headers(body).items())
    with httpx.Client(base_url=secured.url) as client:
        for twice in right:
            answer = client.post(WEBHOOK, content=body, headers=[*right, twice, ("Content-Type", "application/json")])
            assert answer.status_code in (400, 401)
    assert db.value("SELECT COUNT(*) FROM payment_webhooks WHERE order_id = UUID_TO_BIN(%s)", order_id) == 0


def test_a_signed_body_that_is_no_event_is_told_what_is_wrong(shop: httpx.Client, db: Database) -> None:
    before, counted = footprint(db), refusals(db)
    body = b'{"idempotency_key": "e"}'

    answer = shop.post(WEBHOOK, content=body, headers=standard_headers(body))

    assert (answer.status_code, problem_of(answer)) == (422, "invalid_argument")
    assert (footprint(db), refusals(db)) == (before, counted)


def test_buyers_need_no_signature(shop: httpx.Client, db: Database) -> None:
    product = new_product(db, 1)

    assert shop.post("/api/holds", json={"product_id": product, "qty": 1}).status_code == 201


def test_no_secret_is_in_the_log_and_production_is_quiet(secured: Service) -> None:
    log = secured.log.read_text()

    assert "signed by standard (secrets: 2), stripe (secrets: 2)" in log
    assert "NOT VERIFIED" not in log
    assert "whsec" not in log
    assert '"level":"error"' not in log


def test_without_a_secret_the_server_warns_once_and_takes_everything(service: Service, db: Database) -> None:
    order_id = order(db, new_product(db, 5), 2)
    body = json.dumps(succeeded(order_id, 2000)).encode()

    answer = httpx.post(f"{service.url}{WEBHOOK}", content=body, headers=JSON_TYPE | {"Stripe-Signature": "none"})

    assert answer.json()["outcome"] == "applied"
    assert service.log.read_text().count("PAYMENT WEBHOOKS ARE NOT VERIFIED") == 1


def test_a_payment_before_its_order_is_parked(shop: httpx.Client, db: Database) -> None:
    body = json.dumps(succeeded(hold(db, new_product(db, 1)), 1000)).encode()

    answer = shop.post(WEBHOOK, content=body, headers=stripe_headers(body))

    assert (answer.status_code, answer.json()["outcome"]) == (202, "parked")
