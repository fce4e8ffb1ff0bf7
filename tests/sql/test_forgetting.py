"""A customer who asks to be forgotten is in no table and in no payload any more, and the books are still right."""

import json
import uuid
from collections.abc import Callable

import pytest

from tests.support.database import Database, Row
from tests.support.sale import hold, lapsed_order, new_key, new_payment, new_product, order, pay, refusal, stock, sweep

REASON = "asked by letter"


def new_customer() -> str:
    """A name that nobody else has and that no other text contains."""
    return f"Zoë O'Hara <{uuid.uuid4().hex}@example.org> 🙂"


def where(admin: Database, customer: str) -> set[str]:
    """Every column of every table in which the name of a customer stands, alone or in the middle of a text."""
    columns = admin.query(
        "SELECT c.table_name AS t, c.column_name AS c FROM information_schema.columns AS c"
        " JOIN information_schema.tables AS t USING (table_schema, table_name)"
        " WHERE c.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'"
        " AND (c.data_type LIKE '%char' OR c.data_type LIKE '%text' OR c.data_type LIKE '%blob'"
        "      OR c.data_type IN ('json', 'varbinary'))"
    )
    assert {("holds", "customer_id"), ("payment_webhooks", "payload")} <= {(row["t"], row["c"]) for row in columns}
    count = "SELECT COUNT(*) FROM {t} WHERE INSTR(CONVERT({c} USING utf8mb4), %s) > 0"
    return {f"{row['t']}.{row['c']}" for row in columns if admin.value(count.format(**row), customer)}


def deliver(db: Database, order_id: str | None, payment: str | None, status: str, customer: str) -> Row:
    """A payment event whose payload names the customer, as a provider's does."""
    payload = {"type": status, "receipt_email": customer, "billing": [{"name": customer}]}
    text = json.dumps(payload, ensure_ascii=False)
    return db.one("receive_payment_webhook", new_key(), order_id, payment, status, None, None, None, text)


def live_of(db: Database, product: int) -> list[Row]:
    """Whose the units of a product are that count towards a limit, and how they are counted."""
    return db.query("SELECT customer_id, units, unpaid_units FROM customer_units WHERE product_id = %s", product)


def buy_in_every_way(db: Database, customer: str) -> None:
    """Whatever can be kept of a customer: holds and orders in every state, payments of each, and events."""
    for limit in (None, 20):
        product = new_product(db, 30, max_per_customer=limit)
        db.one("release_hold", hold(db, product, 1, customer))
        hold(db, product, 1, customer)
        paid_hold, ended_hold = hold(db, product, 1, customer), hold(db, product, 1, customer)
        pending, paid, gone = (order(db, product, 1, customer) for _ in range(3))
        deliver(db, paid_hold, new_payment(), "succeeded", customer)
        deliver(db, ended_hold, new_payment(), "succeeded", customer)
        db.one("release_hold", ended_hold)
        deliver(db, pending, new_payment(), "declined", customer)
        deliver(db, pending, None, "other", customer)
        deliver(db, paid, payment := new_payment(), "succeeded", customer)
        deliver(db, None, payment, "dispute_opened", customer)
        deliver(db, gone, payment := new_payment(), "succeeded", customer)
        deliver(db, gone, payment, "refunded", customer)
        deliver(db, lapsed_order(db, product, 1, customer), new_payment(), "succeeded", customer)
        db.one("cancel_order", order(db, product, 1, customer), "fraud")
        db.one("fulfil_order", paid)


def test_a_person_who_is_forgotten_is_in_no_column_of_any_table_and_in_no_payload(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    alice, admin = new_customer(), connect_as("admin")
    buy_in_every_way(db, alice)
    sweep(db)
    assert where(admin, alice) >= {
        "holds.customer_id", "hold_history.customer_id", "orders.customer_id", "customer_units.customer_id",
        "payment_webhooks.payload",
    }  # fmt: skip

    forgotten = db.one("forget_customer", alice, REASON)

    assert where(admin, alice) == set()
    assert (forgotten["holds"], forgotten["orders"], forgotten["payloads"]) == (18, 10, 18)
    assert db.one("forget_customer", alice, REASON)["orders"] == 0


def test_the_same_new_name_stands_everywhere_and_nobody_guesses_it(db: Database) -> None:
    alice, bob = new_customer(), new_customer()
    product = new_product(db, 10, max_per_customer=5)
    held, ordered = hold(db, product, 1, alice), order(db, product, 2, alice)
    hold(db, product, 1, bob)

    name = db.one("forget_customer", alice, REASON)["customer_id"]
    other = db.one("forget_customer", bob, REASON)["customer_id"]

    assert name.startswith("forgotten-")
    assert len({name, other, alice, bob}) == 4
    assert db.one("get_hold", held)["customer_id"] == db.one("get_order", ordered)["customer_id"] == name
    assert {row["customer_id"]: row["units"] for row in live_of(db, product)} == {name: 3, other: 1}


def test_limits_stay_right_and_units_come_back_as_before(db: Database) -> None:
    alice, product = new_customer(), new_product(db, 10, max_per_customer=3)
    held, pending, paid = hold(db, product, 1, alice), order(db, product, 1, alice), order(db, product, 1, alice)
    pay(db, paid)

    name = db.one("forget_customer", alice, REASON)["customer_id"]

    assert live_of(db, product) == [{"customer_id": name, "units": 3, "unpaid_units": 2}]
    assert refusal(lambda: hold(db, product, 1, name)).slug == "customer_limit_reached"
    db.one("release_hold", held)
    pay(db, pending, "failed")
    pay(db, paid, "refunded")
    assert live_of(db, product) == [{"customer_id": name, "units": 0, "unpaid_units": 0}]
    assert stock(db, product) == (10, 0, 0)


def test_who_comes_back_after_being_forgotten_is_somebody_new(db: Database) -> None:
    alice, product, key = new_customer(), new_product(db, 10, max_per_customer=2), new_key()
    hold(db, product, 2, alice, key)
    db.one("forget_customer", alice, REASON)

    assert refusal(lambda: hold(db, product, 2, alice, key)).slug == "idempotency_key_reused"
    hold(db, product, 2, alice)


def test_a_purchase_goes_on_without_its_customers_name(db: Database) -> None:
    alice, product = new_customer(), new_product(db, 10)
    hold_id, payment = hold(db, product, 1, alice), new_payment()
    deliver(db, hold_id, payment, "succeeded", alice)
    name = db.one("forget_customer", alice, REASON)["customer_id"]

    assert db.one("create_order", hold_id, new_key())["status"] == "paid"
    assert db.one("fulfil_order", hold_id)["customer_id"] == name
    assert pay(db, hold_id, "refunded", payment=payment)["order_status"] == "refunded"


def test_events_keep_what_they_said_of_money_and_a_repeat_is_still_known(db: Database) -> None:
    alice, product, key = new_customer(), new_product(db, 10), new_key()
    order_id = order(db, product, 1, alice)
    db.one("receive_payment_webhook", key, order_id, "pi_1", "succeeded", 1000, "EUR", None, '{"name": "alice"}')

    db.one("forget_customer", alice, REASON)

    [event] = [row for row in db.call("list_webhooks", None, None, 10_000) if row["idempotency_key"] == key]
    assert (event["amount"], event["currency"], event["order_id"], event["payload"]) == (1000, "EUR", order_id, None)
    assert pay(db, order_id, "succeeded", 1000, "EUR", key, "pi_1")["replayed"] == 1


def test_others_are_not_touched_not_even_those_of_nearly_the_same_name(db: Database) -> None:
    product = new_product(db, 20, max_per_customer=5)
    name = new_customer()
    others = [name.upper(), name + " ", name.replace("ë", "e"), name[:-1]]
    held = {customer: hold(db, product, 1, customer) for customer in [name, *others]}
    events = [deliver(db, held[customer], new_payment(), "succeeded", customer) for customer in others]

    db.one("forget_customer", name, REASON)

    assert [db.one("get_hold", held[customer])["customer_id"] for customer in others] == others
    ids = ", ".join(str(event["webhook_id"]) for event in events)
    assert db.value(f"SELECT COUNT(payload) FROM payment_webhooks WHERE webhook_id IN ({ids})") == len(others)


def test_whoever_asked_is_kept_with_the_reason_and_not_the_persons_name(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    alice = new_customer()
    hold(db, new_product(db, 1), 1, alice)

    name = db.one("forget_customer", alice, REASON)["customer_id"]

    [kept] = db.query(
        "SELECT * FROM stock_ledger WHERE entry = 'forget_customer' AND reason = %s", f"{REASON}: {name}"
    )  # fmt: skip
    assert kept["account"].startswith("flashsale_operator@")


@pytest.mark.parametrize(
    ("customer", "reason"), [(None, REASON), ("", REASON), ("x" * 129, REASON), ("a", None), ("a", "")]
)
def test_nobody_is_forgotten_without_a_name_and_a_reason(
    db: Database, customer: str | None, reason: str | None
) -> None:
    assert refusal(lambda: db.one("forget_customer", customer, reason)).slug == "invalid_argument"
