"""Words for sets of orders and of payment events: what is asked for in one CALL, and how each was answered."""

import json
from typing import Any

import mysql.connector

from tests.support.database import Database, Refused, Row
from tests.support.sale import new_key

Request = dict[str, Any]
PARAMETERS = (
    "idempotency_key", "order_id", "payment_id", "status", "amount", "currency", "occurred_at", "payload",
)  # fmt: skip
"""Of receive_payment_webhook, and the members of an event."""


def order_wish(hold_id: object, key: object = "") -> Request:
    """One buyer's request for an order; a key of '' is one that nobody used before."""
    return {"hold_id": hold_id, "idempotency_key": new_key() if key == "" else key}


def success(order_id: object, **members: object) -> Request:
    """The event of a payment that succeeded; its key is one that nobody used before."""
    return {"idempotency_key": new_key(), "order_id": order_id, "status": "succeeded"} | members


def order_set(db: Database, requests: list[Any]) -> list[Row]:
    """CALL create_orders; a row for each request, in its order."""
    return _set(db, "create_orders", requests)


def pay_set(db: Database, events: list[Any]) -> list[Row]:
    """CALL receive_payment_webhooks; a row for each event, in its order."""
    return _set(db, "receive_payment_webhooks", events)


def _set(db: Database, procedure: str, requests: list[Any]) -> list[Row]:
    rows = db.call(procedure, json.dumps(requests))
    assert [row["number"] for row in rows] == list(range(1, len(requests) + 1))
    return rows


def answers(rows: list[Row]) -> list[str]:
    """done or alone, for each request; what was left alone says nothing else."""
    for row in rows:
        assert (row["errno"], row["sqlstate"], row["message"]) == (None, None, None)
        assert row["answer"] == "done" or set(list(row.values())[5:]) == {None}
    return [row["answer"] for row in rows]


def order_alone(db: Database, request: Any) -> Row | str:
    """What create_order says to a request of a set: its row, the slug of its refusal, or the errno of another error."""
    return _alone(db, "create_order", request, ("hold_id", "idempotency_key", "reference", "metadata"))


def pay_alone(db: Database, event: Any) -> Row | str:
    """What receive_payment_webhook says to an event of a set, likewise."""
    return _alone(db, "receive_payment_webhook", event, PARAMETERS)


def _alone(db: Database, procedure: str, request: Any, parameters: tuple[str, ...]) -> Row | str:
    members = request if isinstance(request, dict) else {}
    texts = (members.get(name) for name in parameters)
    try:
        return db.one(procedure, *(json.dumps(text) if isinstance(text, dict | list) else text for text in texts))
    except Refused as refused:
        return refused.slug
    except mysql.connector.Error as error:
        return str(error.errno)
