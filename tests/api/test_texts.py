"""Texts of buyers and payment providers are data, byte for byte, whatever they look like."""

import json

import httpx
import pytest

from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock

TEXTS = [
    pytest.param('O\'Brien "the" `buyer`', id="quotes"),
    pytest.param("a\\b\\'c\\\\", id="backslashes"),
    pytest.param("nul \x00 inside", id="NUL"),
    pytest.param("\x00", id="only a NUL"),
    pytest.param("👩‍👩‍👧 🇪🇺 𝔘𝔫𝔦", id="four-byte characters"),
    pytest.param("e\u0301 is not \u00e9", id="combining"),
    pytest.param("line\r\nline\ttab\x1a\x08", id="control characters"),
    pytest.param("%s %(x)s {0} %00 &amp; $1 ?", id="placeholders"),
    pytest.param("'; DROP TABLE holds; -- ", id="SQL"),
    pytest.param("' OR '1'='1", id="SQL condition"),
    pytest.param("1); CALL sweep(); SELECT (1", id="SQL call"),
    pytest.param("/* ', '', ' */ # \\", id="SQL comments"),
    pytest.param(" trailing space ", id="spaces"),
    pytest.param("x" * 128, id="longest"),
    pytest.param("😀" * 128, id="longest of four bytes"),
]


@pytest.fixture
def product(db: Database) -> int:
    """Nine units on sale, five a customer."""
    return new_product(db, 9, max_per_customer=5)


@pytest.mark.parametrize("text", TEXTS)
def test_a_customer_is_kept_to_the_letter(http: httpx.Client, db: Database, product: int, text: str) -> None:
    hold = http.post("/api/holds", json={"product_id": product, "qty": 2, "customer_id": text}).json()
    order = http.post("/api/orders", json={"hold_id": hold["hold_id"]}).json()

    assert (hold["customer_id"], order["customer_id"]) == (text, text)
    assert db.value("SELECT customer_id FROM orders WHERE order_uuid = %s", hold["hold_id"]) == text
    assert db.value("SELECT customer_id FROM customer_units WHERE product_id = %s", product) == text
    assert stock(db, product) == (7, 0, 2)


@pytest.mark.parametrize("text", TEXTS)
def test_a_payment_event_is_kept_as_it_was_sent(http: httpx.Client, db: Database, text: str) -> None:
    key = text + new_key()
    event = {"idempotency_key": key, "order_id": new_key(), "status": "succeeded", "amount": 2**63 - 1}

    escaped, plain = (json.dumps(event, ensure_ascii=ascii_only).encode() for ascii_only in (True, False))
    first, second = (
        http.post("/api/payments/webhook", content=body, headers={"Content-Type": "application/json"})
        for body in (escaped, plain)
    )

    assert (first.status_code, first.json()["idempotency_key"]) == (202, key)
    assert second.json()["deliveries"] == 2
    webhook_id = first.json()["webhook_id"]
    [kept] = db.query("SELECT idempotency_key, payload FROM payment_webhooks WHERE webhook_id = %s", webhook_id)
    assert kept["idempotency_key"] == key
    assert json.loads(kept["payload"]) == event


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("KEY" + "k" * 219, "KEY" + "k" * 219),
        ("KEY" + "😀" * 219, "KEY" + "😀" * 219),
        ("KEY 😀 é", "KEY 😀 é"),
        ('"quoted \\"KEY\\" \\\\ "', 'quoted "KEY" \\ '),
        ("it's \\ 100% 'fine' %00 %s KEY", "it's \\ 100% 'fine' %00 %s KEY"),
        ("'; DROP TABLE holds; -- KEY", "'; DROP TABLE holds; -- KEY"),
    ],
)
def test_an_idempotency_key_is_kept_to_the_letter(http: httpx.Client, db: Database, header: str, key: str) -> None:
    unique = new_key()
    headers = {b"Idempotency-Key": header.replace("KEY", unique).encode()}

    held = http.post("/api/holds", json={"product_id": new_product(db, 1), "qty": 1}, headers=headers)

    assert held.status_code == 201
    kept = db.value("SELECT idempotency_key FROM holds WHERE hold_uuid = %s", held.json()["hold_id"])
    assert kept == key.replace("KEY", unique)


def test_the_name_of_a_product_is_shown_to_the_letter(http: httpx.Client, db: Database) -> None:
    name = 'Sneaker "‘Ünïcode’" \\ </script> 👟\x00'
    row = db.one("create_product", name, 1, "EUR", 1, None, None, None, None, None, None, None)

    assert http.get(f"/api/products/{row['product_id']}").json()["name"] == name
