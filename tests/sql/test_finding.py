"""Who bought what, and what happened to it: found through the indexes, and the same as the views say."""

import pytest

from tests.support.database import Database, Row
from tests.support.sale import hold, lapsed_order, new_key, new_payment, new_product, order, pay, refusal, sweep

PURCHASE = (
    "SELECT id, reference, product_id, product, qty, customer_id, status, amount, currency, payment_id,"
    " created_at, due_at, paid_at, closed_at, closed_reason FROM purchases"
)  # fmt: skip


def somebody() -> str:
    """A customer nobody knows yet."""
    return f"customer {new_key()}"


def a_bit_of_everything(db: Database, product: int, customer: str) -> list[str]:
    """Holds and orders of a customer in every state, oldest first; their ids."""
    expired = overdue_hold(db, product, customer)
    released = hold(db, product, 1, customer)
    db.one("release_hold", released)
    live, pending, paid, refunded, fulfilled = (
        hold(db, product, 2, customer), *(order(db, product, qty, customer) for qty in (1, 2, 3, 1)),
    )  # fmt: skip
    for each in (paid, refunded, fulfilled):
        pay(db, each, payment=new_payment())
    pay(db, refunded, "refunded", payment=db.value("SELECT payment_id FROM orders WHERE order_uuid = %s", refunded))
    db.one("fulfil_order", fulfilled)
    lapsed = lapsed_order(db, product, 1, customer)
    cancelled = order(db, product, 1, customer)
    db.one("cancel_order", cancelled, "the customer called")
    return [expired, released, live, pending, paid, refunded, fulfilled, lapsed, cancelled]


def overdue_hold(db: Database, product: int, customer: str) -> str:
    """A hold that expired, and was swept."""
    db.travel(-1000)
    hold_id = hold(db, product, 1, customer)
    db.come_back()
    while not db.query("SELECT 1 FROM hold_history WHERE hold_uuid = %s", hold_id):
        sweep(db)
    return hold_id


def entries(rows: list[Row]) -> list[str]:
    """Entries of a ledger in an order of their own: the view has none."""
    return sorted(str(sorted(row.items())) for row in rows)


def ledger_of(db: Database, product: int) -> list[Row]:
    """What the view says of a product."""
    return db.query("SELECT * FROM stock_ledger WHERE product_id = %s", product)


# -- find_purchases


def test_what_a_customer_holds_ordered_paid_or_let_expire_is_found_newest_first(db: Database) -> None:
    product, alice = new_product(db, 100), somebody()
    made = a_bit_of_everything(db, product, alice)
    hold(db, product, 1, alice + "'s sister")

    found = db.call("find_purchases", alice)

    shown = {row["id"]: row for row in db.query(f"{PURCHASE} WHERE customer_id = %s", alice)}
    assert [row["id"] for row in found] == sorted(made, reverse=True)
    assert {row["id"]: row for row in found} == shown
    assert {row["status"] for row in found} == {
        "held", "expired", "released", "pending", "paid", "refunded", "cancelled",
    }  # fmt: skip


@pytest.mark.parametrize(
    "by",
    ["its id", "its id in capitals", "its payment", "a payment that pays for nothing", "an event", "the shop's number"],
)
def test_a_purchase_is_found_by_whatever_names_it(db: Database, by: str) -> None:
    product = new_product(db, 10)
    payment, second, event, reference = new_payment(), new_payment(), new_key(), new_key()
    order_id = db.one("create_order", hold(db, product), None, reference, None)["order_id"]
    pay(db, order_id, payment=payment, key=event)
    pay(db, order_id, payment=second)
    text = {
        "its id": order_id, "its id in capitals": order_id.upper(), "its payment": payment,
        "a payment that pays for nothing": second, "an event": event,
        "the shop's number": reference,
    }[by]  # fmt: skip

    found = db.call("find_purchases", text)
    assert found == db.query(f"{PURCHASE} WHERE id = %s", order_id)
    assert [row["reference"] for row in found] == [reference]


def test_a_live_hold_is_found_by_its_id_and_by_the_payment_that_waits_for_its_order(db: Database) -> None:
    hold_id, payment = hold(db, new_product(db, 10)), new_payment()
    by_id = db.call("find_purchases", hold_id)
    assert [row["status"] for row in by_id] == ["held"]

    pay(db, hold_id, payment=payment)

    assert db.call("find_purchases", payment) == db.query(f"{PURCHASE} WHERE id = %s", hold_id)


def test_a_refund_is_found_by_its_event_though_the_event_names_the_payment_only(db: Database) -> None:
    order_id, payment, refund = order(db, new_product(db, 10)), new_payment(), new_key()
    pay(db, order_id, payment=payment)
    pay(db, None, "refunded", payment=payment, key=refund)

    assert [(row["id"], row["status"]) for row in db.call("find_purchases", refund)] == [(order_id, "refunded")]


def test_one_text_that_names_a_customer_and_a_payment_finds_both(db: Database) -> None:
    product, text = new_product(db, 10), new_payment()
    mine, paid = hold(db, product, 1, text), order(db, product)
    pay(db, paid, payment=text)

    assert {row["id"] for row in db.call("find_purchases", text)} == {mine, paid}


def test_of_a_customer_with_many_purchases_the_hundred_newest_are_found(db: Database) -> None:
    product, bulk = new_product(db, 1000), somebody()
    made = [hold(db, product, 1, bulk) for _ in range(101)]
    for each in made[::2]:
        db.one("create_order", each, None)
    for each in made[1::4]:
        db.one("release_hold", each)

    assert [row["id"] for row in db.call("find_purchases", bulk)] == sorted(made, reverse=True)[:100]


@pytest.mark.parametrize("text", ["nobody", "%", "019f0c1e-7a51-7d0c-9d6b-3f0a4be7c1d2", "' OR 1"])
def test_for_what_names_nothing_no_purchase_is_found(db: Database, text: str) -> None:
    assert db.call("find_purchases", text) == []


# -- list_ledger


def test_the_ledger_of_a_product_has_every_entry_of_the_view_newest_first(db: Database) -> None:
    product = new_product(db, 100)
    a_bit_of_everything(db, product, somebody())
    db.one("adjust_stock", product, -5, "damaged")
    db.one("set_price", product, 2000, "everybody wants one")
    a_bit_of_everything(db, new_product(db, 100), somebody())

    listed = db.call("list_ledger", product, None, None)

    assert entries(listed) == entries(ledger_of(db, product))
    times = [row["happened_at"] for row in listed]
    assert times == sorted(times, reverse=True)
    assert sum(row["units"] for row in listed) == db.value(
        "SELECT SUM(available) FROM stock_stripes WHERE product_id = %s", product
    )


def test_the_newest_entries_of_a_product_are_as_many_as_asked_for(db: Database) -> None:
    product = new_product(db, 100)
    a_bit_of_everything(db, product, somebody())
    everything = db.call("list_ledger", product, None, None)

    for limit in (1, 2, 5, 10):
        newest = db.call("list_ledger", product, None, limit)
        assert [row["happened_at"] for row in newest] == [row["happened_at"] for row in everything[:limit]]


def test_the_ledger_of_an_order_tells_its_story_backwards(db: Database) -> None:
    product = new_product(db, 10)
    order_id, payment = order(db, product, 2, "alice"), new_payment()
    hold(db, product)
    pay(db, order_id, payment=payment)
    pay(db, order_id, "refunded", payment=payment)

    listed = db.call("list_ledger", None, order_id, None)

    assert [(row["entry"], row["units"]) for row in listed] == [
        ("refunded", 2), ("paid", 0), ("ordered", 0), ("held", -2),
    ]  # fmt: skip
    assert entries(listed) == entries(db.query("SELECT * FROM stock_ledger WHERE order_id = %s", order_id))


def test_the_ledger_of_an_order_names_the_operator_and_why(db: Database) -> None:
    order_id = order(db, new_product(db, 10), 2)
    db.one("cancel_order", order_id, "the customer called")

    listed = db.call("list_ledger", None, order_id, None)

    assert [row["entry"] for row in listed if row["account"]] == ["cancel_order"]
    assert entries(listed) == entries(db.query("SELECT * FROM stock_ledger WHERE order_id = %s", order_id))


def test_the_ledger_of_an_order_is_not_that_of_another_product(db: Database) -> None:
    product, other = new_product(db, 10), new_product(db, 10)
    order_id = order(db, product)

    assert len(db.call("list_ledger", product, order_id, None)) == 2
    assert db.call("list_ledger", other, order_id, None) == []


def test_the_ledger_of_a_live_hold_is_found_by_its_id(db: Database) -> None:
    hold_id = hold(db, new_product(db, 10), 3)

    assert [(row["entry"], row["units"]) for row in db.call("list_ledger", None, hold_id, None)] == [("held", -3)]


def test_an_order_that_is_refunded_shows_among_newer_holds(db: Database) -> None:
    product = new_product(db, 100)
    old, payment = order(db, product), new_payment()
    pay(db, old, payment=payment)
    for each in [hold(db, product) for _ in range(5)]:
        db.one("create_order", each, None)

    pay(db, old, "refunded", payment=payment)

    [newest] = db.call("list_ledger", product, None, 1)
    assert (newest["entry"], newest["order_id"], newest["units"]) == ("refunded", old, 1)


@pytest.mark.parametrize("limit", [0, 10_001, "many"])
def test_a_ledger_of_no_entries_or_too_many_is_refused(db: Database, limit: object) -> None:
    refused = refusal(lambda: db.call("list_ledger", new_product(db, 1), None, limit))

    assert (refused.slug, refused.detail) == ("invalid_argument", "limit must be a whole number from 1 to 10000")


def test_the_ledger_of_a_product_that_does_not_exist_is_refused(db: Database) -> None:
    assert refusal(lambda: db.call("list_ledger", 2**31 - 1, None, None)).slug == "product_not_found"
