"""The shop's own number of an order, and what it notes about it."""

import json

import pytest

from tests.support.database import Database
from tests.support.purchase_sets import answers, order_alone, order_set, order_wish
from tests.support.sale import footprint, hold, new_key, new_product, order, pay, refusal

CART = '{"cart": 7, "gift": true}'


def test_an_order_keeps_its_reference_and_its_metadata(db: Database) -> None:
    reference = new_key()
    made = db.one("create_order", hold(db, new_product(db, 1)), new_key(), reference, CART)

    assert (made["reference"], json.loads(made["metadata"])) == (reference, json.loads(CART))
    kept = db.one("get_order", made["order_id"])
    assert (kept["reference"], kept["metadata"]) == (reference, made["metadata"])
    pay(db, made["order_id"])
    assert db.one("fulfil_order", made["order_id"])["reference"] == reference


def test_an_order_without_either_has_neither(db: Database) -> None:
    product = new_product(db, 2)
    for _ in range(2):
        made = db.one("create_order", hold(db, product), None)
        assert (made["reference"], made["metadata"]) == (None, None)


def test_two_orders_cannot_have_the_same_reference(db: Database) -> None:
    product, reference = new_product(db, 5), new_key()
    first = db.one("create_order", hold(db, product), new_key(), reference, None)
    second, key = hold(db, product), new_key()
    before = footprint(db)

    for wanted in (key, None):
        refused = refusal(lambda wanted=wanted: db.one("create_order", second, wanted, reference, None))
        assert (refused.slug, refused.sqlstate) == ("reference_taken", "45409")
    assert footprint(db) == before

    # The hold is still there, and neither key nor hold is used up.
    made = db.one("create_order", second, key, f"{reference}-2", None)
    assert (made["replayed"], first["order_id"] != made["order_id"]) == (0, True)


def test_references_are_compared_byte_by_byte(db: Database) -> None:
    product, stem = new_product(db, 5), new_key()
    for reference in (f"é{stem}", f"e{stem}", f"E{stem}", f"E{stem} "):
        assert db.one("create_order", hold(db, product), None, reference, None)["reference"] == reference


def test_a_reference_stays_taken_when_its_order_has_ended(db: Database) -> None:
    product, reference = new_product(db, 5), new_key()
    made = db.one("create_order", hold(db, product), None, reference, None)
    db.one("cancel_pending_order", made["order_id"])

    refused = refusal(lambda: db.one("create_order", hold(db, product), None, reference, None))

    assert refused.slug == "reference_taken"


@pytest.mark.parametrize(
    ("reference", "metadata"), [("other", CART), (None, CART), ("same", '{"cart": 8}'), ("same", None)]
)
def test_a_repeat_with_another_reference_or_metadata_is_another_request(
    db: Database, reference: str | None, metadata: str | None
) -> None:
    own, key, hold_id = new_key(), new_key(), hold(db, new_product(db, 2))
    db.one("create_order", hold_id, key, own, CART)

    wanted = own if reference == "same" else reference
    assert refusal(lambda: db.one("create_order", hold_id, key, wanted, metadata)).slug == "idempotency_key_reused"

    again = db.one("create_order", hold_id, key, own, '{"gift":true,   "cart":7}')
    assert (again["replayed"], again["reference"]) == (1, own)


def test_a_repeat_is_the_same_order_even_when_it_is_over(db: Database) -> None:
    own, key, hold_id = new_key(), new_key(), hold(db, new_product(db, 2))
    db.one("create_order", hold_id, key, own, CART)
    db.one("cancel_pending_order", hold_id)

    again = db.one("create_order", hold_id, key, own, CART)

    assert (again["replayed"], again["status"]) == (1, "cancelled")


# -- in sets


def test_a_set_keeps_references_and_metadata_as_single_calls_do(db: Database) -> None:
    product = new_product(db, 10)
    requests = [{**order_wish(hold(db, product)), "reference": new_key(), "metadata": CART} for _ in range(5)]

    rows = order_set(db, requests)

    assert answers(rows) == ["done"] * 5
    for request, row in zip(requests, rows, strict=True):
        assert (row["reference"], json.loads(row["metadata"])) == (request["reference"], json.loads(CART))
        assert db.one("create_order", *request.values())["replayed"] == 1


def test_a_set_leaves_a_reference_alone_that_is_taken_or_comes_twice(db: Database) -> None:
    product, taken, twice = new_product(db, 10), new_key(), new_key()
    db.one("create_order", hold(db, product), None, taken, None)
    requests = [{**order_wish(hold(db, product)), "reference": text} for text in (taken, twice, twice, new_key())]

    assert answers(order_set(db, requests)) == ["alone", "done", "alone", "done"]
    assert [order_alone(db, requests[0]), order_alone(db, requests[2])] == ["reference_taken"] * 2


@pytest.mark.parametrize(
    "odd",
    [
        {"reference": ""}, {"reference": "x" * 65}, {"reference": 7}, {"metadata": "[]"}, {"metadata": "{"},
        {"metadata": {"cart": 7}}, {"metadata": '{"a": ' + "[" * 100 + "]" * 100 + "}"},
        {"metadata": '{"a": "' + "x" * 2040 + '"}'}, {"metadata": '{"a": 1e999}'},
    ],
)  # fmt: skip
def test_what_is_odd_about_one_request_leaves_the_others_alone(db: Database, odd: dict[str, object]) -> None:
    product = new_product(db, 5)
    requests = [order_wish(hold(db, product)), {**order_wish(hold(db, product)), **odd}, order_wish(hold(db, product))]

    assert answers(order_set(db, requests)) == ["done", "alone", "done"]


# -- people


def test_to_forget_a_customer_empties_what_the_shop_noted(db: Database) -> None:
    product, customer, reference = new_product(db, 5), f"ada {new_key()}", new_key()
    made = db.one("create_order", hold(db, product, 1, customer), None, reference, '{"note": "call Ada"}')
    other = order(db, product)

    assert db.one("forget_customer", customer, "asked by letter")["orders"] == 1

    kept = db.one("get_order", made["order_id"])
    assert (kept["metadata"], kept["reference"]) == (None, reference)
    assert db.one("get_order", other)["metadata"] is None
