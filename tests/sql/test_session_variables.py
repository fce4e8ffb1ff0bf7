"""What a procedure makes is named by a variable of the session: a purchase can be pasted without copying an id."""

import pytest

from tests.support.database import Database
from tests.support.sale import new_key, new_product, order, pay


def variable(db: Database, name: str) -> object:
    """What a variable of this session holds."""
    value: object = db.value(f"SELECT @{name}")
    return value


def test_a_purchase_is_pasted_without_an_id_in_it(db: Database) -> None:
    db.query("CALL create_product('Sneaker', 1000, 'EUR', 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)")
    [hold] = db.query("CALL create_hold(@product_id, 1, 'alice', NULL)")
    [made] = db.query("CALL create_order(@hold_id, NULL, NULL, NULL)")
    [event] = db.query("CALL receive_payment_webhook(UUID(), @order_id, UUID(), 'succeeded', 1000, 'EUR', NULL, NULL)")
    [paid] = db.query("CALL get_order(@order_id)")

    assert (hold["hold_id"], made["status"], paid["status"]) == (paid["order_id"], "pending", "paid")
    assert (variable(db, "webhook_id"), variable(db, "payment_id")) == (event["webhook_id"], event["payment_id"])


@pytest.mark.parametrize("limit", [None, 5], ids=["the short way", "the long way"])
def test_a_repeat_names_what_the_first_made(db: Database, limit: int | None) -> None:
    product, keys = new_product(db, 9, max_per_customer=limit), [new_key(), new_key()]
    [first, second] = [db.one("create_hold", product, 1, "alice", key)["hold_id"] for key in keys]
    assert variable(db, "hold_id") == second

    assert db.one("create_hold", product, 1, "alice", keys[0])["replayed"] == 1
    assert variable(db, "hold_id") == first

    made = db.one("create_order", first, keys[0])["order_id"]
    db.one("create_order", second, None)
    db.one("create_order", first, keys[0])
    assert variable(db, "order_id") == made


def test_an_event_is_named_also_when_it_comes_again_or_moves_nothing(db: Database) -> None:
    order_id, key = order(db, new_product(db, 5)), new_key()
    first = pay(db, order_id, key=key)
    other = pay(db, order_id, "other")
    assert (variable(db, "webhook_id"), variable(db, "payment_id")) == (other["webhook_id"], None)

    pay(db, order_id, key=key)
    assert (variable(db, "webhook_id"), variable(db, "payment_id")) == (first["webhook_id"], first["payment_id"])
