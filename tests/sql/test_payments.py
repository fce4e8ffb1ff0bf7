"""Payment events: in any order, any number of times, early, late, or about nothing."""

import datetime
from collections.abc import Callable

import pytest

from tests.support.database import Database, Row
from tests.support.sale import hold, new_key, new_product, order, pay, refusal, stock, sweep


def said(event: Row) -> tuple[str, str | None]:
    """What an event did, and where its order stands."""
    return event["outcome"], event["order_status"]


def cancelled_order(db: Database, product: int, qty: int = 1, customer: str | None = None) -> str:
    """An order whose payment failed, so that its units are on sale again."""
    order_id = order(db, product, qty, customer)
    assert said(pay(db, order_id, "failed")) == ("applied", "cancelled")
    return order_id


def test_a_payment_pays_its_order(db: Database) -> None:
    product = new_product(db, 10)
    order_id, key = order(db, product, 2), new_key()

    event = pay(db, order_id, "succeeded", 2000, "EUR", key)

    assert event == {
        "webhook_id": event["webhook_id"], "idempotency_key": key, "order_id": order_id,
        "payment_status": "succeeded", "outcome": "applied", "reason": None, "order_status": "paid",
        "deliveries": 1, "replayed": 0,
    }  # fmt: skip
    assert db.one("get_order", order_id)["paid_at"] is not None
    assert stock(db, product) == (8, 0, 2)


def test_a_failed_payment_cancels_the_order_and_returns_its_units_at_once(db: Database) -> None:
    product = new_product(db, 10)

    closed = db.one("get_order", cancelled_order(db, product, 2))

    assert (closed["status"], closed["closed_reason"]) == ("cancelled", "payment failed")
    assert stock(db, product) == (10, 0, 0)


def test_the_same_event_again_changes_nothing_and_is_counted(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    order_id = order(db, product, 2)
    first = pay(db, order_id, "failed", key=key)

    again = pay(db, order_id, "failed", key=key)

    assert again == {**first, "deliveries": 2, "replayed": 1}
    assert stock(db, product) == (10, 0, 0)


def test_the_same_key_with_other_content_is_refused_and_changes_nothing(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    order_id, other = order(db, product), order(db, product)
    noon = datetime.datetime(2030, 1, 1, 12)
    good = [key, order_id, "failed", 1000, "EUR", noon, '{"a": 1}']
    db.one("receive_payment_webhook", *good)

    for position, value in [
        (1, other), (2, "succeeded"), (2, "refunded"), (3, 999), (3, None), (4, "USD"), (4, None),
        (5, noon + datetime.timedelta(microseconds=1)), (5, None),
    ]:  # fmt: skip
        changed = [*good[:position], value, *good[position + 1 :]]
        refused = refusal(lambda c=changed: db.one("receive_payment_webhook", *c))
        assert (refused.slug, refused.errno, refused.sqlstate) == ("idempotency_key_reused", 31303, "45422")

    assert db.one("get_order", order_id)["status"] == "cancelled"
    assert db.one("get_order", other)["status"] == "pending"
    assert db.value("SELECT deliveries FROM payment_webhooks WHERE idempotency_key = %s", key) == 1
    assert stock(db, product) == (9, 0, 1)


def test_the_same_event_in_another_envelope_is_a_repeat_and_the_first_one_is_kept(db: Database) -> None:
    order_id, key = order(db, new_product(db, 1)), new_key()
    db.one("receive_payment_webhook", key, order_id, "succeeded", None, None, None, '{"attempt": 1}')

    again = db.one("receive_payment_webhook", key, order_id, "succeeded", None, None, None, '{"attempt": 2}')

    assert again["replayed"] == 1
    kept = db.value("SELECT payload->>'$.attempt' FROM payment_webhooks WHERE idempotency_key = %s", key)
    assert kept == "1"


def test_a_payment_before_its_order_is_parked_and_the_order_is_born_paid(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    hold_id = hold(db, product, 2)
    assert said(pay(db, hold_id, "succeeded", 2000, "EUR", key)) == ("parked", None)
    assert stock(db, product) == (8, 2, 0)

    born = db.one("create_order", hold_id, new_key())

    assert (born["status"], born["paid_at"]) == ("paid", born["paid_at"])
    again = pay(db, hold_id, "succeeded", 2000, "EUR", key)
    assert said(again) == ("applied", "paid")
    assert (again["replayed"], again["deliveries"]) == (1, 2)
    assert stock(db, product) == (8, 0, 2)


def test_a_failure_before_its_order_cancels_the_order_at_birth_and_its_units_are_back(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=2)
    hold_id = hold(db, product, 2, "alice")
    pay(db, hold_id, "failed")

    assert db.one("create_order", hold_id, None)["status"] == "cancelled"
    assert stock(db, product) == (10, 0, 0)
    hold(db, product, 2, "alice")


@pytest.mark.parametrize("events", [("failed", "succeeded"), ("succeeded", "failed")])
def test_a_failure_and_a_success_before_the_order_make_it_paid_in_either_order(
    db: Database, events: tuple[str, str]
) -> None:
    product = new_product(db, 1)
    hold_id = hold(db, product)
    for event in events:
        assert said(pay(db, hold_id, event)) == ("parked", None)

    assert db.one("create_order", hold_id, None)["status"] == "paid"
    assert stock(db, product) == (0, 0, 1)


@pytest.mark.parametrize("events", [("refunded", "succeeded"), ("succeeded", "refunded")])
def test_a_success_and_its_refund_before_the_order_make_it_refunded_in_either_order(
    db: Database, events: tuple[str, str]
) -> None:
    product = new_product(db, 1)
    hold_id = hold(db, product)
    for event in events:
        pay(db, hold_id, event)

    assert db.one("create_order", hold_id, None)["status"] == "refunded"
    assert stock(db, product) == (1, 0, 0)


def test_a_parked_payment_of_another_amount_does_not_pay_the_order_at_birth(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1, price=1000))
    pay(db, hold_id, "succeeded", 999, "EUR", key := new_key())

    assert db.one("create_order", hold_id, None)["status"] == "pending"
    assert said(pay(db, hold_id, "succeeded", 999, "EUR", key)) == ("amount_mismatch", "pending")


def test_a_failure_after_the_success_changes_nothing(db: Database) -> None:
    product = new_product(db, 10)
    order_id = order(db, product, 2)
    pay(db, order_id)

    late = pay(db, order_id, "failed")

    assert said(late) == ("ignored", "paid")
    assert late["reason"]
    assert stock(db, product) == (8, 0, 2)


def test_a_success_after_the_failure_takes_the_units_back(db: Database) -> None:
    product = new_product(db, 10, stripes=4)
    order_id = cancelled_order(db, product, 6)

    assert said(pay(db, order_id)) == ("applied", "paid")
    assert stock(db, product) == (4, 0, 6)
    paid = db.one("get_order", order_id)
    assert (paid["closed_at"], paid["closed_reason"]) == (None, None)


def test_a_late_success_is_due_for_a_refund_when_the_units_were_sold_meanwhile(db: Database) -> None:
    product = new_product(db, 2)
    order_id = cancelled_order(db, product, 2)
    hold(db, product, 1)

    late = pay(db, order_id)

    assert said(late) == ("refund_due", "refund_due")
    assert late["reason"]
    assert stock(db, product) == (1, 1, 0)


def test_a_late_success_takes_units_back_that_are_only_in_expired_unswept_holds(db: Database) -> None:
    product = new_product(db, 4, stripes=4)
    order_id = cancelled_order(db, product, 4)
    for _ in range(4):
        hold(db, product)
    db.travel(121)

    assert said(pay(db, order_id)) == ("applied", "paid")
    assert stock(db, product) == (0, 0, 4)


def test_a_late_success_takes_units_back_that_are_only_in_overdue_orders(db: Database) -> None:
    product = new_product(db, 4)
    order_id = cancelled_order(db, product, 4)
    order(db, product, 4)
    db.travel(901)

    assert said(pay(db, order_id)) == ("applied", "paid")


def test_a_success_after_the_order_was_overdue_and_swept_takes_the_units_back(db: Database) -> None:
    product = new_product(db, 4)
    order_id = order(db, product, 4)
    db.travel(901)
    sweep(db)
    assert stock(db, product) == (4, 0, 0)

    assert said(pay(db, order_id)) == ("applied", "paid")


def test_a_success_for_an_overdue_order_that_nobody_swept_pays_it(db: Database) -> None:
    product = new_product(db, 4)
    order_id = order(db, product, 4)
    db.travel(901)

    assert said(pay(db, order_id)) == ("applied", "paid")
    assert stock(db, product) == (0, 0, 4)


def test_a_late_success_of_a_customer_who_reached_the_limit_meanwhile_is_due_for_a_refund(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=2)
    order_id = cancelled_order(db, product, 2, "alice")
    hold(db, product, 1, "alice")

    assert said(pay(db, order_id)) == ("refund_due", "refund_due")
    assert stock(db, product) == (9, 1, 0)
    hold(db, product, 1, "alice")


def test_a_late_success_counts_towards_the_limit_again(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=2)
    assert said(pay(db, cancelled_order(db, product, 2, "alice"))) == ("applied", "paid")

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_limit_reached"


def test_a_late_success_is_not_refused_for_units_of_the_customer_that_have_expired(db: Database) -> None:
    product = new_product(db, 200, max_per_customer=2)
    order_id = cancelled_order(db, product, 2, "alice")
    for number in range(101):
        hold(db, product, 1, f"customer {number}")
    hold(db, product, 2, "alice")
    db.travel(121)

    assert said(pay(db, order_id)) == ("applied", "paid")


def test_what_is_due_for_a_refund_stays_so_until_it_is_refunded(db: Database) -> None:
    product = new_product(db, 1)
    order_id = cancelled_order(db, product)
    hold_id = hold(db, product)
    pay(db, order_id)
    db.one("release_hold", hold_id)

    assert said(pay(db, order_id)) == ("ignored", "refund_due")
    assert said(pay(db, order_id, "failed")) == ("ignored", "refund_due")
    assert said(pay(db, order_id, "refunded")) == ("applied", "refunded")
    assert said(pay(db, order_id, "refunded")) == ("ignored", "refunded")
    assert stock(db, product) == (1, 0, 0)


def test_a_refund_of_a_paid_order_returns_its_units_to_sale(db: Database) -> None:
    product = new_product(db, 2, max_per_customer=2)
    order_id = order(db, product, 2, "alice")
    pay(db, order_id)

    assert said(pay(db, order_id, "refunded")) == ("applied", "refunded")
    assert stock(db, product) == (2, 0, 0)
    assert said(pay(db, order_id)) == ("ignored", "refunded")
    hold(db, product, 2, "alice")


@pytest.mark.parametrize("status", ["pending", "cancelled"])
def test_a_refund_of_what_was_never_paid_is_ignored(db: Database, status: str) -> None:
    product = new_product(db, 2)
    order_id = order(db, product) if status == "pending" else cancelled_order(db, product)

    assert said(pay(db, order_id, "refunded")) == ("ignored", status)


@pytest.mark.parametrize(
    ("amount", "currency"), [(1999, "EUR"), (2001, "EUR"), (0, None), (2000, "USD"), (None, "USD")]
)
def test_a_payment_of_another_amount_or_currency_does_not_pay_and_the_right_one_still_does(
    db: Database, amount: int | None, currency: str | None
) -> None:
    order_id = order(db, new_product(db, 2, price=1000), 2)

    wrong = pay(db, order_id, "succeeded", amount, currency)

    assert said(wrong) == ("amount_mismatch", "pending")
    assert "2000 EUR" in wrong["reason"]
    assert said(pay(db, order_id, "succeeded", 2000, "EUR")) == ("applied", "paid")


def test_a_late_payment_of_another_amount_takes_nothing_back(db: Database) -> None:
    product = new_product(db, 2, price=1000)
    order_id = cancelled_order(db, product, 2)

    assert said(pay(db, order_id, "succeeded", 1)) == ("amount_mismatch", "cancelled")
    assert stock(db, product) == (2, 0, 0)


def test_a_failed_payment_cancels_whatever_amount_it_names(db: Database) -> None:
    assert said(pay(db, order(db, new_product(db, 2)), "failed", 1, "USD")) == ("applied", "cancelled")


def test_a_parked_payment_whose_hold_expired_is_due_for_a_refund_after_the_sweep(db: Database) -> None:
    product, key = new_product(db, 1), new_key()
    hold_id = hold(db, product)
    pay(db, hold_id, key=key)
    pay(db, hold_id, "failed", key=(failed := new_key()))
    db.travel(121)

    assert sweep(db)["payments_settled"] >= 2

    settled = pay(db, hold_id, key=key)
    assert said(settled) == ("refund_due", None)
    assert "refund" in settled["reason"]
    assert said(pay(db, hold_id, "failed", key=failed)) == ("ignored", None)
    assert stock(db, product) == (1, 0, 0)


def test_a_payment_of_an_expired_unswept_hold_is_parked_until_the_sweep(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1))
    db.travel(121)

    assert said(pay(db, hold_id, key=(key := new_key()))) == ("parked", None)
    sweep(db)
    assert said(pay(db, hold_id, key=key)) == ("refund_due", None)


@pytest.mark.parametrize("ended_as", ["released", "expired"])
def test_a_payment_of_a_hold_that_ended_is_due_for_a_refund_at_once(db: Database, ended_as: str) -> None:
    hold_id = hold(db, new_product(db, 1))
    if ended_as == "released":
        db.one("release_hold", hold_id)
    else:
        db.travel(121)
        sweep(db)

    assert said(pay(db, hold_id)) == ("refund_due", None)
    assert said(pay(db, hold_id, "failed")) == ("ignored", None)


def test_a_payment_of_nothing_we_know_stays_parked_for_the_operator(db: Database) -> None:
    stranger, key = new_key(), new_key()

    assert said(pay(db, stranger, key=key)) == ("parked", None)
    db.travel(10**6)
    sweep(db)
    assert said(pay(db, stranger, key=key)) == ("parked", None)


def test_a_payment_to_an_id_in_capitals_is_the_same_payment(db: Database) -> None:
    order_id, key = order(db, new_product(db, 1)), new_key()
    pay(db, order_id.upper(), key=key)

    assert pay(db, order_id, key=key)["replayed"] == 1
    assert db.one("get_order", order_id)["status"] == "paid"


def test_the_inbox_keeps_the_event_as_received(db: Database) -> None:
    order_id, key = order(db, new_product(db, 1)), new_key()
    moment = datetime.datetime(2030, 1, 1, 12, 0, 0, 123456)

    db.one("receive_payment_webhook", key, order_id, "failed", 1000, "EUR", moment, '{"who": "🙂 O\'Neill"}')

    [kept] = db.query(
        "SELECT amount_minor, currency, occurred_at, payload->>'$.who' AS who, deliveries, order_uuid"
        " FROM payment_webhooks WHERE idempotency_key = %s", key,
    )  # fmt: skip
    assert kept == {
        "amount_minor": 1000, "currency": "EUR", "occurred_at": moment, "who": "🙂 O'Neill", "deliveries": 1,
        "order_uuid": order_id,
    }  # fmt: skip


def test_the_clock_of_the_provider_decides_nothing(db: Database, connect_as: Callable[..., Database]) -> None:
    order_id = order(db, new_product(db, 1))
    year_1, year_9999 = datetime.datetime(1000, 1, 1), datetime.datetime(9999, 12, 31)

    db.one("receive_payment_webhook", new_key(), order_id, "failed", None, None, year_9999, None)
    db.one("receive_payment_webhook", new_key(), order_id, "succeeded", None, None, year_1, None)

    assert db.one("get_order", order_id)["status"] == "paid"
