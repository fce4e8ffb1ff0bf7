"""Money that comes before its order, or for no order at all: nothing of it is lost, and a paid hold neither."""

import datetime

import pytest

from tests.support.database import Database
from tests.support.sale import (
    hold,
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


def seconds(count: float) -> datetime.timedelta:
    """So many."""
    return datetime.timedelta(seconds=count)


# -- before the order


def test_a_payment_before_its_order_is_parked_and_the_order_is_born_paid(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    hold_id = hold(db, product, 2)
    early = pay(db, hold_id, "succeeded", 2000, "EUR", key)
    assert (said(early), early["payment_state"]) == (("parked", None), "waiting")
    assert stock(db, product) == (8, 2, 0)

    born = db.one("create_order", hold_id, new_key())

    assert born["status"] == "paid"
    assert born["paid_at"] >= born["created_at"]
    again = pay(db, hold_id, "succeeded", 2000, "EUR", key)
    assert (said(again), again["payment_state"]) == (("applied", "paid"), "paying")
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
        pay(db, hold_id, event)

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


def test_of_two_early_payments_the_older_one_pays_and_the_other_is_due(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    hold_id = hold(db, new_product(db, 1))
    for payment in (pi_2, pi_1):
        pay(db, hold_id, payment=payment)

    assert db.one("create_order", hold_id, None)["status"] == "paid"
    assert refunds_due(db, hold_id) == {pi_1: 1000}


def test_of_two_early_payments_the_one_that_did_not_go_back_pays(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    product = new_product(db, 1)
    hold_id = hold(db, product)
    for payment in (pi_1, pi_2):
        pay(db, hold_id, payment=payment)
    pay(db, hold_id, "refunded", payment=pi_1)

    assert db.one("create_order", hold_id, None)["status"] == "paid"
    assert refunds_due(db, hold_id) == {}
    assert stock(db, product) == (0, 0, 1)


def test_a_parked_payment_of_another_amount_does_not_pay_the_order_at_birth(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1, price=1000))
    pay(db, hold_id, "succeeded", 999, "EUR", key := new_key())

    assert db.one("create_order", hold_id, None)["status"] == "pending"
    assert said(pay(db, hold_id, "succeeded", 999, "EUR", key)) == ("amount_mismatch", "pending")


# -- a paid hold


def test_a_paid_hold_is_prolonged_and_becomes_its_order_by_itself(db: Database) -> None:
    product = new_product(db, 1, hold_seconds=120, payment_seconds=600)
    hold_id = hold(db, product)
    db.travel_to(db.now() + seconds(100))

    pay(db, hold_id, "succeeded", 1000, "EUR")
    paid = db.one("get_hold", hold_id)
    assert (paid["status"], paid["expires_at"]) == ("active", db.now() + seconds(600))

    db.travel_to(paid["expires_at"] - seconds(1))
    sweep(db)
    assert db.one("get_hold", hold_id)["status"] == "active"
    assert stock(db, product) == (0, 1, 0)

    db.travel_to(paid["expires_at"])
    assert refusal(lambda: hold(db, product)).slug == "sold_out"
    sweep(db)
    made = db.one("get_order", hold_id)
    assert (made["status"], made["amount"]) == ("paid", 1000)
    assert db.one("get_hold", hold_id)["status"] == "ordered"
    assert stock(db, product) == (0, 0, 1)
    assert refunds_due(db, hold_id) == {}


def test_the_buyer_of_a_paid_hold_may_make_the_order_at_any_time(db: Database) -> None:
    product = new_product(db, 1)
    hold_id = hold(db, product)
    pay(db, hold_id)
    db.travel(121)

    assert db.one("create_order", hold_id, new_key())["status"] == "paid"


@pytest.mark.parametrize(("amount", "currency"), [(999, "EUR"), (1000, "USD")])
def test_a_payment_that_does_not_fit_prolongs_no_hold(db: Database, amount: int, currency: str) -> None:
    pi_1 = new_payment()
    hold_id = hold(db, new_product(db, 1))
    before = db.one("get_hold", hold_id)["expires_at"]
    pay(db, hold_id, "succeeded", amount, currency, payment=pi_1)
    assert db.one("get_hold", hold_id)["expires_at"] == before

    db.travel(121)
    sweep(db)

    assert refusal(lambda: db.one("get_hold", hold_id)).slug == "hold_expired"
    assert refunds_due(db, hold_id) == {pi_1: amount}


def test_a_paid_hold_whose_money_went_back_ends_when_it_would_have_ended_without_it(db: Database) -> None:
    product = new_product(db, 1)
    db.one("set_limits", product, extension_seconds=30, reason="patience")
    hold_id = hold(db, product)
    until = db.one("extend_hold", hold_id)["expires_at"]
    pay(db, hold_id)
    assert db.one("get_hold", hold_id)["expires_at"] > until

    pay(db, hold_id, "refunded", 999)
    assert db.one("get_hold", hold_id)["expires_at"] > until
    pay(db, hold_id, "refunded", 1000)

    assert db.one("get_hold", hold_id)["expires_at"] == until
    db.travel_to(until)
    hold(db, product)


# -- after the hold


def test_a_payment_of_an_expired_unswept_hold_is_parked_until_the_sweep(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    product, key, failed = new_product(db, 1), new_key(), new_key()
    hold_id = hold(db, product)
    db.travel(121)
    assert said(pay(db, hold_id, key=key, payment=pi_1)) == ("parked", None)
    assert said(pay(db, hold_id, "failed", key=failed, payment=pi_2)) == ("parked", None)

    sweep(db)

    settled = pay(db, hold_id, key=key, payment=pi_1)
    assert (said(settled), settled["payment_state"]) == (("refund_due", None), "due")
    assert settled["reason"]
    assert said(pay(db, hold_id, "failed", key=failed, payment=pi_2)) == ("ignored", None)
    assert refunds_due(db, hold_id) == {pi_1: 1000}
    assert stock(db, product) == (1, 0, 0)


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


def test_what_was_paid_for_a_hold_that_is_released_is_due(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 1)
    hold_id = hold(db, product)
    pay(db, hold_id, payment=pi_1)

    db.one("release_hold", hold_id)
    sweep(db)

    assert refunds_due(db, hold_id) == {pi_1: 1000}
    assert stock(db, product) == (1, 0, 0)


def test_of_a_payment_for_a_released_hold_that_went_back_in_part_the_rest_is_due(db: Database) -> None:
    pi_1 = new_payment()
    hold_id = hold(db, new_product(db, 1))
    db.one("release_hold", hold_id)
    pay(db, hold_id, "succeeded", 1000, "EUR", payment=pi_1)

    assert pay(db, hold_id, "refunded", 400, "EUR", payment=pi_1)["outcome"] == "applied"

    assert refunds_due(db, hold_id) == {pi_1: 600}


def test_a_payment_of_an_ended_hold_is_settled_by_its_refund_also_after_a_purge(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 1)
    db.travel(-4 * 86400)
    hold_id = hold(db, product)
    db.travel(-4 * 86400 + 121)
    pay(db, hold_id, "succeeded", 1000, "EUR", payment=pi_1)
    sweep(db)
    db.come_back()
    db.one("purge_history", 2)
    assert refunds_due(db, hold_id) == {pi_1: 1000}

    refunded = pay(db, hold_id, "refunded", 1000, "EUR", payment=pi_1)

    assert (refunded["outcome"], refunded["payment_state"]) == ("applied", "settled")
    assert refunds_due(db, hold_id) == {}


# -- for nothing we know


@pytest.mark.parametrize("name", ["a stranger", "{order} ", "{order}x", "8", "no-uuid", "ordér 🙂"])
def test_a_payment_for_an_id_that_is_none_of_ours_is_kept_and_after_a_while_due(db: Database, name: str) -> None:
    order_id, pi_1 = order(db, new_product(db, 1)), new_payment()
    name = new_key() if name == "a stranger" else name.format(order=order_id)

    early = pay(db, name, "succeeded", 1000, "EUR", key := new_key(), pi_1)
    assert (said(early), early["payment_state"]) == (("parked", None), "waiting")
    db.travel(901)
    sweep(db)

    late = pay(db, name, "succeeded", 1000, "EUR", key, pi_1)
    assert (late["outcome"], late["payment_state"], late["replayed"]) == ("refund_due", "due", 1)
    assert [row["amount_due"] for row in db.call("list_refunds_due") if row["payment_id"] == pi_1] == [1000]
    assert db.one("get_order", order_id)["cancelled_as"] == "lapsed"


def test_a_failure_of_an_id_that_nobody_knows_is_ignored_after_a_while_and_alarms_nobody(db: Database) -> None:
    stranger, key = new_key(), new_key()
    db.travel(-960)
    assert said(pay(db, stranger, "failed", key=key)) == ("parked", None)
    db.come_back()
    sweep(db)
    assert db.call("check_invariants") == []

    ignored = pay(db, stranger, "failed", key=key)
    assert (said(ignored), ignored["payment_state"]) == (("ignored", None), "failed")


def test_a_payment_of_an_unknown_amount_for_nothing_we_know_is_due_and_recorded_as_a_whole(db: Database) -> None:
    stranger = new_key()
    db.travel(-960)
    pay(db, stranger)
    db.come_back()
    sweep(db)
    assert refunds_due(db, stranger) == {stranger: None}

    db.one("record_refund", stranger, "re_1")

    assert refunds_due(db, stranger) == {}
