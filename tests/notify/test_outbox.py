"""What the outbox holds: each effect of the sale, once for each receiver, in the transaction of the effect."""

import json
from collections.abc import Callable, Iterator

import pytest

from tests.support.database import Database
from tests.support.outbox import kinds, new_receiver, outbox, told
from tests.support.purchase_sets import order_set, order_wish, pay_set, success
from tests.support.sale import hold, lapsed_order, new_key, new_payment, new_product, order, pay, refusal, sweep


@pytest.fixture
def receiver(db: Database) -> Iterator[str]:
    """The one who is told."""
    name = new_receiver()
    with told(db, name):
        yield name


def test_nothing_is_written_while_nobody_is_told(db: Database) -> None:
    db.call("set_receivers", "[]")
    before = db.value("SELECT COUNT(*) FROM notifications")
    product = new_product(db, 3)
    order_id = order(db, product)
    pay(db, order_id, payment=(payment := new_payment()))
    pay(db, order_id, payment=new_payment())
    pay(db, order_id, "dispute_opened", payment=payment)
    db.one("cancel_order", order(db, product), "fraud")
    sweep(db)

    assert db.value("SELECT COUNT(*) FROM notifications") == before


def test_an_order_is_told_of_when_it_is_made_paid_and_refunded(db: Database, receiver: str) -> None:
    product = new_product(db, 3, price=1250)
    order_id, payment = order(db, product, 2, "alice"), new_payment()
    pay(db, order_id, payment=payment)
    pay(db, order_id, "refunded", payment=payment)

    (created, _, first), (paid, _, second), (refunded, _, third) = outbox(db, receiver, order_id)
    assert [created, paid, refunded] == ["order.created", "order.paid", "order.refunded"]
    assert (first["status"], first["amount"], first["customer_id"], first["payment_id"]) == (
        "pending",
        2500,
        "alice",
        None,
    )
    assert (second["status"], second["payment_id"], third["status"]) == ("paid", payment, "refunded")
    assert first["pay_by"].endswith("Z")
    assert third["closed_reason"] == "payment refunded"


def test_a_dispute_that_named_the_order_only_was_of_the_payment_that_has_a_name_by_now(
    db: Database, receiver: str
) -> None:
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, "dispute_opened", payment=None)
    pay(db, order_id, payment=(payment := new_payment()))

    [disputed] = [data for kind, _, data in outbox(db, receiver, order_id) if kind == "payment.disputed"]
    assert (disputed["payment_id"], disputed["dispute"]) == (order_id, "opened")
    assert db.value("SELECT dispute FROM payments WHERE payment_id = %s", payment) == "opened"


def test_the_body_is_one_of_standard_webhooks(db: Database, receiver: str) -> None:
    order_id = order(db, new_product(db, 1))

    [row] = db.query("SELECT kind, created_at, body FROM notifications WHERE subject = %s", order_id)
    body = json.loads(row["body"])
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == row["kind"]
    assert body["timestamp"] == row["created_at"].isoformat(timespec="microseconds") + "Z"


def test_whatever_is_told_of_an_order_has_the_shops_own_number_of_it(db: Database, receiver: str) -> None:
    reference = new_key()
    order_id = db.one("create_order", hold(db, new_product(db, 1)), None, reference, None)["order_id"]
    pay(db, order_id)
    unnamed = order(db, new_product(db, 1))

    assert [data["reference"] for _, _, data in outbox(db, receiver, order_id)] == [reference, reference]
    assert [data["reference"] for _, _, data in outbox(db, receiver, unnamed)] == [None]


def test_an_order_that_costs_nothing_is_made_and_paid(db: Database, receiver: str) -> None:
    order_id = order(db, new_product(db, 1, price=0))

    assert kinds(db, receiver, order_id) == ["order.created", "order.paid"]


@pytest.mark.parametrize("how", ["cancel_order", "cancel_pending_order", "failed", "overdue"])
def test_a_cancelled_order_is_told_of_however_it_was_cancelled(db: Database, receiver: str, how: str) -> None:
    product = new_product(db, 1, payment_seconds=60)
    order_id = order(db, product)
    if how == "failed":
        pay(db, order_id, "failed")
    elif how == "overdue":
        db.travel(61)
        sweep(db)
    else:
        db.one(how, order_id, *(["fraud"] if how == "cancel_order" else []))

    assert kinds(db, receiver, order_id) == ["order.created", "order.cancelled"]
    assert outbox(db, receiver, order_id)[1][2]["cancelled_as"] == (
        "lapsed" if how in ("failed", "overdue") else "withdrawn"
    )


def test_a_late_payment_that_takes_the_units_back_pays_the_order(db: Database, receiver: str) -> None:
    order_id = lapsed_order(db, new_product(db, 1))
    pay(db, order_id, payment=new_payment())

    assert kinds(db, receiver, order_id) == ["order.created", "order.cancelled", "order.paid"]


def test_a_hold_that_expires_is_told_of_and_one_that_is_released_is_not(db: Database, receiver: str) -> None:
    product = new_product(db, 3, hold_seconds=60)
    expires, released = hold(db, product, 2, "bob"), hold(db, product)
    db.one("release_hold", released)
    db.travel(61)
    sweep(db)

    [(kind, _, data)] = outbox(db, receiver, expires)
    assert (kind, data["status"], data["qty"], data["customer_id"]) == ("hold.expired", "expired", 2, "bob")
    assert kinds(db, receiver, released) == []


def test_a_hold_that_an_operator_stopped_is_told_of(db: Database, receiver: str) -> None:
    product = new_product(db, 3)
    hold_id = hold(db, product)
    db.one("stop_sale", product, "recalled")

    [(kind, _, data)] = outbox(db, receiver, hold_id)
    assert (kind, data["status"]) == ("hold.expired", "stopped")


def test_money_that_has_to_go_back_is_told_of_once(db: Database, receiver: str) -> None:
    order_id, second, first_key = order(db, new_product(db, 1, price=700)), new_payment(), new_key()
    pay(db, order_id, payment=new_payment())
    pay(db, order_id, payment=second, key=first_key)
    pay(db, order_id, payment=second, key=first_key)
    pay(db, order_id, payment=second)

    assert kinds(db, receiver, order_id) == ["order.created", "order.paid", "payment.due"]
    data = outbox(db, receiver, order_id)[-1][2]
    assert (data["payment_id"], data["amount_due"], data["currency"]) == (second, 700, "EUR")
    assert data["reason"] == "the order is paid already"


@pytest.mark.parametrize("amount", [300, None])
def test_a_refund_that_failed_is_due_and_told_of(db: Database, receiver: str, amount: int | None) -> None:
    order_id, payment = order(db, new_product(db, 1)), new_payment()
    pay(db, order_id, payment=payment)
    pay(db, order_id, "refunded", amount, payment=payment)
    pay(db, order_id, "refund_failed", amount, payment=payment)

    kind, _, data = outbox(db, receiver, order_id)[-1]
    assert (kind, data["payment_id"], data["amount_due"]) == ("payment.due", payment, amount or 1000)
    assert kinds(db, receiver, order_id).count("payment.due") == 1


def test_money_for_nobody_is_told_of_when_the_sweep_gives_up(db: Database, receiver: str) -> None:
    payment = new_payment()
    pay(db, new_key(), "succeeded", 700, "EUR", payment=payment)
    db.travel(16 * 60)
    sweep(db)

    told_of = [
        data for kind, _, data in outbox(db, receiver) if kind == "payment.due" and data["payment_id"] == payment
    ]
    assert [data["amount_due"] for data in told_of] == [700]


def test_each_turn_of_a_dispute_is_told_of(db: Database, receiver: str) -> None:
    order_id, payment = order(db, new_product(db, 1)), new_payment()
    pay(db, order_id, payment=payment)
    for turn in ("opened", "opened", "lost"):
        pay(db, order_id, f"dispute_{turn}", payment=payment)

    disputes = [data["dispute"] for kind, _, data in outbox(db, receiver, order_id) if kind == "payment.disputed"]
    assert disputes == ["opened", "lost"]


def test_a_product_is_sold_out_when_no_unit_is_free_or_held_and_available_when_one_is_again(
    db: Database, receiver: str
) -> None:
    product = new_product(db, 2)
    of_it = f"product {product}"
    sweep(db)
    held, ordered = hold(db, product), order(db, product)
    sweep(db)
    assert kinds(db, receiver, of_it) == []

    db.one("create_order", held, None)
    sweep(db)
    sweep(db)
    assert kinds(db, receiver, of_it) == ["product.sold_out"]

    db.one("cancel_pending_order", ordered)
    sweep(db)
    sweep(db)
    assert kinds(db, receiver, of_it) == ["product.sold_out", "product.available"]
    assert outbox(db, receiver, of_it)[-1][2] == {
        "product_id": product, "name": "Limited sneaker", "stock_total": 2, "available": 1,
    }  # fmt: skip

    order(db, product)
    sweep(db)
    assert kinds(db, receiver, of_it) == ["product.sold_out", "product.available", "product.sold_out"]


def test_sets_tell_what_single_calls_tell(db: Database, receiver: str) -> None:
    product = new_product(db, 8)
    alone = [order(db, product, 1, "ann") for _ in range(3)]
    for order_id in alone:
        pay(db, order_id, "succeeded", 1000, "EUR", payment=new_payment())
    together = [hold(db, product, 1, "ann") for _ in range(3)]
    order_set(db, [order_wish(hold_id) for hold_id in together] + [order_wish(together[0]), order_wish(alone[0])])
    pay_set(db, [success(each, payment_id=new_payment(), amount=1000, currency="EUR") for each in together])

    changing = {"order_id", "payment_id", "created_at", "pay_by", "paid_at"}
    stories = [
        [
            (kind, {name: data[name] for name in data if name not in changing})
            for kind, _, data in outbox(db, receiver, each)
        ]
        for each in alone + together
    ]
    assert [kind for kind, _ in stories[0]] == ["order.created", "order.paid"]
    assert stories == [stories[0]] * 6


def test_what_is_refused_or_repeated_tells_nothing_more(db: Database, receiver: str) -> None:
    product = new_product(db, 1)
    hold_id, key, event = hold(db, product), new_key(), new_key()
    for _ in range(2):
        db.one("create_order", hold_id, key)
        pay(db, hold_id, key=event)
    refusal(lambda: db.one("create_order", hold_id, new_key()))

    assert kinds(db, receiver, hold_id) == ["order.created", "order.paid"]


def test_what_is_rolled_back_is_not_told_of(db: Database, receiver: str, connect_as: Callable[..., Database]) -> None:
    order_id = order(db, new_product(db, 1))
    admin = connect_as("admin")
    admin.query("START TRANSACTION")
    admin.query("CALL _close_orders(JSON_ARRAY(%s), 'cancelled', 'lapsed', 'overdue')", order_id)
    assert admin.value("SELECT COUNT(*) FROM notifications WHERE subject = %s", order_id) == 2
    admin.query("ROLLBACK")

    assert kinds(db, receiver, order_id) == ["order.created"]


def test_each_receiver_has_rows_of_its_own_from_when_it_is_named_on(db: Database) -> None:
    early, late = new_receiver(), new_receiver()
    product = new_product(db, 3)
    with told(db, early):
        first = order(db, product)
        db.call("set_receivers", json.dumps([early, late]))
        second = order(db, product)

        assert kinds(db, early, first, second) == ["order.created"] * 2
        assert kinds(db, late, first, second) == ["order.created"]


def test_what_waits_for_a_receiver_that_is_gone_has_failed(db: Database) -> None:
    stays, goes = new_receiver(), new_receiver()
    with told(db, stays, goes):
        order_id = order(db, new_product(db, 1))
        assert [row["receiver"] for row in db.call("set_receivers", json.dumps([stays]))] == [stays]

        assert [state for _, state, _ in outbox(db, stays, order_id)] == ["pending"]
        assert [state for _, state, _ in outbox(db, goes, order_id)] == ["failed"]
        [row] = db.query("SELECT last_error FROM notifications WHERE receiver = %s AND subject = %s", goes, order_id)
        assert row["last_error"] == "its receiver is told nothing more"


def test_the_name_of_a_forgotten_customer_is_in_no_notification(db: Database, receiver: str) -> None:
    product = new_product(db, 4, hold_seconds=60)
    name = f"alice {new_key()}"
    order_id, hold_id = order(db, product, 1, name), hold(db, product, 1, name)
    db.travel(61)
    sweep(db)
    db.come_back()
    forgotten = db.one("forget_customer", name, "asked by letter")["customer_id"]

    assert [data["customer_id"] for _, _, data in outbox(db, receiver, order_id, hold_id)] == [forgotten] * 2


def test_a_purge_deletes_what_was_settled_long_ago_but_the_last_that_was_told_of_a_product(
    db: Database, receiver: str
) -> None:
    product = new_product(db, 1)
    order_id = order(db, product)
    sweep(db)
    pay(db, order_id)
    created, sold_out, paid = db.query(
        "SELECT notification_id, kind FROM notifications WHERE subject IN (%s, %s) ORDER BY notification_id",
        order_id, f"product {product}",
    )  # fmt: skip
    for row in db.call("claim_notifications", receiver, 100, 30):
        db.one("settle_notification", row["notification_id"], row["attempt"], None)
    db.travel(40 * 86_400)

    assert db.one("purge_history", 30)["notifications_deleted"] >= 1
    left = db.query("SELECT notification_id FROM notifications WHERE receiver = %s", receiver)
    ids = {row["notification_id"] for row in left}
    assert created["notification_id"] not in ids
    assert {sold_out["notification_id"], paid["notification_id"]} <= ids


@pytest.mark.parametrize("bad", ["", "null", "{}", "[1]", '[""]', "https://shop.example", json.dumps(["x"] * 11)])
def test_receivers_that_are_none_are_refused_and_nothing_changes(db: Database, receiver: str, bad: str) -> None:
    refused = refusal(lambda: db.call("set_receivers", bad))

    assert refused.slug == "invalid_argument"
    assert "receivers" in refused.detail
    assert db.query("SELECT receiver FROM notification_receivers") == [{"receiver": receiver}]
