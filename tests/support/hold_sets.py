"""Words for sets: what many buyers ask for in one CALL, and how each of them was answered."""

import json
from typing import Any

from tests.support.database import Database, Row
from tests.support.sale import new_key

Request = dict[str, Any]


def wish(product: object, qty: object = 1, customer: object = None, key: object = "") -> Request:
    """One buyer's request for units; a key of '' is one that nobody used before."""
    return {
        "product_id": product, "qty": qty, "customer_id": customer,
        "idempotency_key": new_key() if key == "" else key,
    }  # fmt: skip


def hold_set(db: Database, requests: list[Any]) -> list[Row]:
    """Ask for all of them by one CALL; a row for each, in its order."""
    rows = db.call("create_holds", json.dumps(requests))
    assert [row["number"] for row in rows] == list(range(1, len(requests) + 1))
    return rows


def answers(rows: list[Row]) -> list[str]:
    """done or alone, or the slug of the refusal, for each request."""
    return [row["message"].partition(":")[0] if row["answer"] == "refused" else row["answer"] for row in rows]
