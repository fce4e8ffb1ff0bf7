"""Payment events of an order: in any order, any number of times, and late."""

import datetime
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
    refunds_due,
    refusal,
    said,
    stock,
    sweep,
)


def test_a_payment_pays_its_order(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 10)
    order_id, key = order(db, product, 2), new_key()

    event = pay(db, order_id, "succeeded", 2000, "EUR", key, pi_1)

    assert event == {
        "webhook_id": event["webhook_id"], "idempotency_key": key, "payment_id": pi_1, "order_id": order_id,
        "payment_status": "succeeded", "outcome": "applied", "reason": None, "payment_state": "paying",
        "order_status": "paid", "deliveries": 1, "replayed": 0,
    }  # fmt: skip
    assert db.one("get_order", order_id)["paid_at"] is not None
    assert stock(db, product) == (8, 0, 2)


def test_where_the_provider_names_no_payment_the_id_of_the_order_stands_for_it(db: Database) -> None:
    order_id = order(db, new_product(db, 1))

    assert pay(db, order_id)["payment_id"] == order_id


def test_a_failed_payment_cancels_the_order_and_returns_its_units_at_once(db: Database) -> None:
    product = new_product(db, 10)

    closed = db.one("get_order", lapsed_order(db, product, 2))

    assert (closed["status"], closed["cancelled_as"], closed["closed_reason"]) == (
        "cancelled", "lapsed", "payment failed",
    )  # fmt: skip
    assert stock(db, product) == (10, 0, 0)


def test_after_a_declined_card_the_buyer_keeps_the_order_and_tries_another(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    product = new_product(db, 1)
    order_id = order(db, product)

    declined = pay(db, order_id, "declined", payment=pi_1)
    assert (said(declined), declined["payment_state"]) == (("ignored", "pending"), "open")
    assert refusal(lambda: hold(db, product)).slug == "sold_out"

    assert said(pay(db, order_id, payment=pi_2)) == ("applied", "paid")
    assert stock(db, product) == (0, 0, 1)


def test_an_order_whose_card_was_declined_is_still_overdue_in_the_end(db: Database) -> None:
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, "declined")

    db.travel(901)
    sweep(db)

    assert db.one("get_order", order_id)["cancelled_as"] == "lapsed"


def test_the_same_event_again_changes_nothing_and_is_counted(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    order_id = order(db, product, 2)
    first = pay(db, order_id, "failed", key=key)

    again = pay(db, order_id, "failed", key=key)

    assert again == {**first, "deliveries": 2, "replayed": 1}
    assert stock(db, product) == (10, 0, 0)


def test_the_same_key_with_other_content_is_refused_and_changes_nothing(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    product, key = new_product(db, 10), new_key()
    order_id, other = order(db, product), order(db, product)
    good = [key, order_id, pi_1, "failed", 1000, "EUR", None, '{"a": 1}']
    db.one("receive_payment_webhook", *good)

    for position, value in [
        (1, other), (2, pi_2), (2, "PI_1"), (3, "succeeded"), (3, "refunded"), (4, 999),
        (4, None), (5, "USD"), (5, None),
    ]:  # fmt: skip
        changed = [*good[:position], value, *good[position + 1 :]]
        refused = refusal(lambda c=changed: db.one("receive_payment_webhook", *c))
        assert (refused.slug, refused.errno, refused.sqlstate) == ("idempotency_key_reused", 31303, "45422")

    assert db.one("get_order", order_id)["status"] == "cancelled"
    assert db.one("get_order", other)["status"] == "pending"
    assert db.value("SELECT deliveries FROM payment_webhooks WHERE idempotency_key = %s", key) == 1
    assert stock(db, product) == (9, 0, 1)


@pytest.mark.parametrize("minute", [0, 1, None])
def test_the_same_event_at_another_time_or_in_another_envelope_is_a_repeat_and_the_first_one_is_kept(
    db: Database, minute: int | None
) -> None:
    order_id, key, pi_1 = order(db, new_product(db, 1)), new_key(), new_payment()
    noon = datetime.datetime(2030, 1, 1, 12)
    later = None if minute is None else noon.replace(minute=minute)
    db.one("receive_payment_webhook", key, order_id, pi_1, "succeeded", None, None, noon, '{"attempt": 1}')

    again = db.one("receive_payment_webhook", key, order_id, pi_1, "succeeded", None, None, later, '{"attempt": 2}')

    assert again["replayed"] == 1
    [kept] = db.query(
        "SELECT payload->>'$.attempt' AS attempt, occurred_at FROM payment_webhooks WHERE idempotency_key = %s", key
    )
    assert kept == {"attempt": "1", "occurred_at": noon}


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
    order_id = lapsed_order(db, product, 6)

    assert said(pay(db, order_id)) == ("applied", "paid")
    assert stock(db, product) == (4, 0, 6)
    paid = db.one("get_order", order_id)
    assert (paid["closed_at"], paid["closed_reason"], paid["cancelled_as"]) == (None, None, None)


def test_a_late_success_is_due_for_a_refund_when_the_units_were_sold_meanwhile(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 2)
    order_id = lapsed_order(db, product, 2)
    hold(db, product, 1)

    late = pay(db, order_id, payment=pi_1)

    assert (said(late), late["payment_state"]) == (("refund_due", "cancelled"), "due")
    assert late["reason"]
    assert refunds_due(db, order_id) == {pi_1: 2000}
    assert stock(db, product) == (1, 1, 0)


def test_a_late_success_takes_units_back_that_are_only_in_expired_unswept_holds(db: Database) -> None:
    product = new_product(db, 4, stripes=4)
    order_id = lapsed_order(db, product, 4)
    for _ in range(4):
        hold(db, product)
    db.travel(121)

    assert said(pay(db, order_id)) == ("applied", "paid")
    assert stock(db, product) == (0, 0, 4)


def test_a_late_success_takes_units_back_that_are_only_in_overdue_orders(db: Database) -> None:
    product = new_product(db, 4)
    order_id = lapsed_order(db, product, 4)
    order(db, product, 4)
    db.travel(901)

    assert said(pay(db, order_id)) == ("applied", "paid")


def test_a_late_success_takes_no_units_back_from_a_hold_that_is_paid(db: Database) -> None:
    product = new_product(db, 4)
    order_id = lapsed_order(db, product, 4)
    paid_hold = hold(db, product, 1)
    pay(db, paid_hold)
    db.travel(901)

    assert said(pay(db, order_id)) == ("refund_due", "cancelled")
    sweep(db)
    assert db.one("get_order", paid_hold)["status"] == "paid"


@pytest.mark.parametrize("swept", [True, False])
def test_a_success_for_an_overdue_order_pays_it_swept_or_not(db: Database, swept: bool) -> None:
    product = new_product(db, 4)
    order_id = order(db, product, 4)
    db.travel(901)
    if swept:
        sweep(db)
        assert stock(db, product) == (4, 0, 0)

    assert said(pay(db, order_id)) == ("applied", "paid")
    assert stock(db, product) == (0, 0, 4)


def test_a_late_success_of_a_customer_who_reached_the_limit_meanwhile_is_due_for_a_refund(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=2)
    order_id = lapsed_order(db, product, 2, "alice")
    hold(db, product, 1, "alice")

    assert said(pay(db, order_id)) == ("refund_due", "cancelled")
    assert stock(db, product) == (9, 1, 0)
    hold(db, product, 1, "alice")


def test_a_late_success_counts_towards_the_limit_again(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=2)
    assert said(pay(db, lapsed_order(db, product, 2, "alice"))) == ("applied", "paid")

    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_limit_reached"


def test_a_late_success_is_not_refused_for_units_of_the_customer_that_have_expired(db: Database) -> None:
    product = new_product(db, 200, max_per_customer=2)
    order_id = lapsed_order(db, product, 2, "alice")
    for number in range(101):
        hold(db, product, 1, f"customer {number}")
    hold(db, product, 2, "alice")
    db.travel(121)

    assert said(pay(db, order_id)) == ("applied", "paid")


def test_a_late_payment_of_an_order_without_a_customer_is_kept_and_due_when_the_product_wants_one_by_now(
    db: Database,
) -> None:
    pi_1 = new_payment()
    product = new_product(db, 10)
    order_id = lapsed_order(db, product, 2)
    db.one("set_limits", product, max_per_customer=2, reason="fair")

    assert said(pay(db, order_id, payment=pi_1)) == ("refund_due", "cancelled")

    assert refunds_due(db, order_id) == {pi_1: 2000}
    assert stock(db, product) == (10, 0, 0)


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


def test_a_later_success_with_the_right_amount_corrects_a_payment_that_has_no_name_of_its_own(db: Database) -> None:
    order_id = order(db, new_product(db, 2, price=1000), 2)
    pay(db, order_id, "succeeded", 1999, "EUR")
    assert refunds_due(db, order_id) == {order_id: 1999}

    right = pay(db, order_id, "succeeded", 2000, "EUR")

    assert (said(right), right["payment_id"], right["payment_state"]) == (("applied", "paid"), order_id, "paying")
    assert refunds_due(db, order_id) == {}


def test_another_amount_of_a_payment_that_the_provider_names_corrects_nothing(db: Database) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 2, price=1000), 2)
    pay(db, order_id, "succeeded", 1999, "EUR", payment=pi_1)

    again = pay(db, order_id, "succeeded", 2000, "EUR", payment=pi_1)

    assert said(again) == ("amount_mismatch", "pending")
    assert refunds_due(db, order_id) == {pi_1: 1999}


def test_a_late_payment_of_another_amount_takes_nothing_back(db: Database) -> None:
    product = new_product(db, 2, price=1000)
    order_id = lapsed_order(db, product, 2)

    assert said(pay(db, order_id, "succeeded", 1)) == ("amount_mismatch", "cancelled")
    assert stock(db, product) == (2, 0, 0)


def test_a_failed_payment_cancels_whatever_amount_it_names(db: Database) -> None:
    assert said(pay(db, order(db, new_product(db, 2)), "failed", 1, "USD")) == ("applied", "cancelled")


def test_a_payment_to_an_id_in_capitals_is_the_same_payment(db: Database) -> None:
    order_id, key = order(db, new_product(db, 1)), new_key()
    pay(db, order_id.upper(), key=key)

    assert pay(db, order_id, key=key)["replayed"] == 1
    assert db.one("get_order", order_id)["status"] == "paid"


def test_the_inbox_keeps_the_event_as_received(db: Database) -> None:
    order_id, key = order(db, new_product(db, 1)), new_key()
    moment = datetime.datetime(2030, 1, 1, 12, 0, 0, 123456)

    db.one(
        "receive_payment_webhook", key, order_id, "pi_🙂", "failed", 1000, "EUR", moment, '{"who": "🙂 O\'Neill"}'
    )  # fmt: skip

    [kept] = db.query(
        "SELECT payment_id, amount_minor, currency, occurred_at, payload->>'$.who' AS who, deliveries"
        " FROM payment_webhooks WHERE idempotency_key = %s", key,
    )  # fmt: skip
    assert kept == {
        "payment_id": "pi_🙂", "amount_minor": 1000, "currency": "EUR", "occurred_at": moment, "who": "🙂 O'Neill",
        "deliveries": 1,
    }  # fmt: skip


def test_the_clock_of_the_provider_decides_nothing(db: Database, connect_as: Callable[..., Database]) -> None:
    order_id = order(db, new_product(db, 1))
    year_1000, year_9999 = datetime.datetime(1000, 1, 1), datetime.datetime(9999, 12, 31)

    db.one("receive_payment_webhook", new_key(), order_id, None, "failed", None, None, year_9999, None)
    db.one("receive_payment_webhook", new_key(), order_id, None, "succeeded", None, None, year_1000, None)

    assert db.one("get_order", order_id)["status"] == "paid"


def test_a_dispute_is_shown_on_the_order_and_moves_no_units(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 2)
    order_id = order(db, product, 2)
    pay(db, order_id, payment=pi_1)

    for told, mark in [("dispute_opened", "opened"), ("dispute_won", "won"), ("dispute_lost", "lost")]:
        assert said(pay(db, None, told, payment=pi_1)) == ("applied", "paid")
        assert said(pay(db, None, told, payment=pi_1)) == ("ignored", "paid")
        assert db.one("get_order", order_id)["dispute"] == mark
    assert stock(db, product) == (0, 0, 2)


def test_a_dispute_that_was_lost_before_it_was_told_of_stays_lost(db: Database) -> None:
    order_id = order(db, new_product(db, 1))
    pay(db, order_id)
    pay(db, order_id, "dispute_lost")

    assert said(pay(db, order_id, "dispute_opened")) == ("ignored", "paid")
    assert db.one("get_order", order_id)["dispute"] == "lost"
