"""The inbox of payment events: what people on duty see there, and which events they may have decided anew."""

import datetime
import json
from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.sale import (
    hold,
    lapsed_order,
    new_key,
    new_payment,
    new_product,
    order,
    pay,
    refusal,
    said,
    stock,
)


def test_the_inbox_lists_events_newest_first_with_what_they_did(db: Database) -> None:
    product, first, second = new_product(db, 10), new_key(), new_key()
    order_id = order(db, product)
    pay(db, order_id, "failed", key=first)
    pay(db, order_id, "failed", key=second)
    since = db.value("SELECT first_received_at FROM payment_webhooks WHERE idempotency_key = %s", first)

    listed = [row for row in db.call("list_webhooks", None, since, 10_000) if row["order_id"] == order_id]

    assert [(row["idempotency_key"], row["outcome"], row["reason"]) for row in listed] == [
        (second, "ignored", "the order is cancelled already"), (first, "applied", None),
    ]  # fmt: skip
    assert [row["outcome"] for row in db.call("list_webhooks", "ignored", None, 1)] == ["ignored"]
    assert len(db.call("list_webhooks", None, None, 1)) == 1
    assert db.call("list_webhooks", None, datetime.datetime(9999, 1, 1), None) == []


def test_the_inbox_lists_events_of_the_largest_size_in_order(db: Database) -> None:
    keys = [new_key() for _ in range(3)]
    payload = json.dumps({"text": "x" * 1_000_000})
    for key in keys:
        db.one("receive_payment_webhook", key, None, None, "other", None, None, None, payload)

    listed = [row for row in db.call("list_webhooks", None, None, 10_000) if row["idempotency_key"] in keys]

    assert [(row["idempotency_key"], len(row["payload"])) for row in listed] == [
        (key, len(payload)) for key in reversed(keys)
    ]


def test_the_inbox_names_the_payment_of_an_event_where_it_stands_and_what_the_event_called_its_order(
    db: Database,
) -> None:
    product, pi_1, pi_2 = new_product(db, 10), new_payment(), new_payment()
    order_id = order(db, product)
    pay(db, order_id, payment=pi_1)
    pay(db, "cart of ada", payment=pi_2)

    events = {row["payment_id"]: row for row in db.call("list_webhooks", None, None, 10_000)}

    paid, unknown = events[pi_1], events[pi_2]
    assert (paid["order_id"], paid["payment_state"], paid["order_status"]) == (order_id, "paying", "paid")
    assert (unknown["order_id"], unknown["payment_state"], unknown["order_status"]) == ("cart of ada", "waiting", None)
    assert unknown["outcome"] == "parked"


@pytest.mark.parametrize("named", [None, "order"])
def test_an_event_that_moves_no_payment_is_kept_and_ignored(db: Database, named: str | None) -> None:
    order_id, key = order(db, new_product(db, 1)) if named else None, new_key()

    def deliver(payload: str | None) -> dict[str, object]:
        return db.one("receive_payment_webhook", key, order_id, None, "other", None, None, None, payload)

    first, again = deliver('{"type": "customer.created"}'), deliver(None)

    assert (first["outcome"], first["order_id"]) == ("ignored", order_id)
    assert (first["payment_id"], first["payment_state"]) == (None, None)
    assert first["order_status"] == ("pending" if named else None)
    assert first["reason"] == "an event of this kind moves no payment"
    assert again == {**first, "deliveries": 2, "replayed": 1}


def test_refused_webhooks_are_counted_and_nothing_else_is_kept(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    [before] = db.query("SELECT COUNT(*) AS n FROM payment_webhooks")
    counts = [
        session.one("count_refused_webhook", "stale_timestamp")["refusals"]
        for session in (connect_as("api"), connect_as("api"), db)
    ]

    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]
    assert db.query("SELECT COUNT(*) AS n FROM payment_webhooks") == [before]


# -- reprocess_webhook


def test_units_in_expired_holds_count_for_a_payment_that_is_decided_anew(db: Database) -> None:
    product = new_product(db, 2)
    order_id = lapsed_order(db, product, 2)
    hold(db, product, 2)
    webhook = pay(db, order_id, payment=new_payment())
    assert said(webhook) == ("refund_due", "cancelled")

    db.travel(121)

    assert db.one("reprocess_webhook", webhook["webhook_id"])["order_status"] == "paid"


def test_a_payment_that_was_decided_anew_keeps_who_asked_for_it_and_is_asked_again_in_vain(db: Database) -> None:
    product = new_product(db, 2)
    order_id = lapsed_order(db, product, 2)
    db.one("adjust_stock", product, -2, "lost")
    webhook = pay(db, order_id, payment=new_payment())
    db.one("adjust_stock", product, 2, "found again")

    assert db.one("reprocess_webhook", webhook["webhook_id"])["replayed"] == 0

    again = db.one("reprocess_webhook", webhook["webhook_id"])
    assert (again["replayed"], again["order_status"]) == (1, "paid")
    assert stock(db, product) == (0, 0, 2)
    [kept] = db.query("SELECT * FROM stock_ledger WHERE product_id = %s AND entry = 'reprocess_webhook'", product)
    assert kept["account"].startswith("flashsale_operator@")
    assert kept["reason"] == f"{webhook['idempotency_key']}: due became paying"


@pytest.mark.parametrize(
    "state", ["applied", "ignored", "amount_mismatch", "parked", "refund_due", "refunded", "other"]
)
def test_an_event_that_would_be_decided_as_before_is_left_alone(db: Database, state: str) -> None:
    product = new_product(db, 2)
    order_id, pi_1 = order(db, product), new_payment()
    if state == "other":
        event = db.one("receive_payment_webhook", new_key(), None, None, "other", None, None, None, None)
    elif state in ("refund_due", "refunded"):
        db.one("cancel_order", order_id, "fraud")
        event = pay(db, order_id, payment=pi_1)
        if state == "refunded":
            db.one("record_refund", pi_1, "re_1")
    else:
        event = {
            "applied": lambda: pay(db, order_id),
            "ignored": lambda: pay(db, order_id, "refunded"),
            "amount_mismatch": lambda: pay(db, order_id, "succeeded", 1),
            "parked": lambda: pay(db, hold(db, product)),
        }[state]()
        assert event["outcome"] == state
    rows = "SELECT * FROM payment_webhooks WHERE webhook_id = %s"
    before = db.query(rows, event["webhook_id"]), stock(db, product)

    refused = refusal(lambda: db.one("reprocess_webhook", event["webhook_id"]))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("webhook_settled", 31112, "45409")
    assert (db.query(rows, event["webhook_id"]), stock(db, product)) == before


def test_a_parked_payment_whose_hold_has_ended_need_not_wait_for_the_sweep(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    hold_id = hold(db, new_product(db, 1))
    webhook = pay(db, hold_id)
    admin = connect_as("admin")
    assert admin.value("SELECT GET_LOCK(LEFT(CONCAT('sweep.', DATABASE()), 64), 10)") == 1  # no sweep meanwhile
    db.one("release_hold", hold_id)

    decided = db.one("reprocess_webhook", webhook["webhook_id"])

    admin.query("DO RELEASE_ALL_LOCKS()")
    assert said(decided) == ("refund_due", None)
