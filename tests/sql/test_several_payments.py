"""Several payments of one order: one pays it, and nobody's money is lost."""

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
    payments_of,
    refunds_due,
    said,
    stock,
    sweep,
)


def states(db: Database, order_id: str) -> dict[str, str]:
    """The payments of an order and their states."""
    return {payment: row["state"] for payment, row in payments_of(db, order_id).items()}


def test_the_refund_of_a_second_payment_settles_it_and_leaves_the_order_paid(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    product = new_product(db, 1)
    order_id = order(db, product)
    pay(db, order_id, "succeeded", 1000, "EUR", payment=pi_1)

    second = pay(db, order_id, "succeeded", 1000, "EUR", payment=pi_2)
    assert (said(second), second["payment_state"]) == (("refund_due", "paid"), "due")
    assert refunds_due(db, order_id) == {pi_2: 1000}
    assert db.one("get_order", order_id)["refund_due"] == 1000

    assert said(pay(db, order_id, "refunded", 1000, "EUR", payment=pi_2)) == ("applied", "paid")
    assert states(db, order_id) == {pi_1: "paying", pi_2: "settled"}
    assert refunds_due(db, order_id) == {}
    assert stock(db, product) == (0, 0, 1)


def test_a_payment_under_two_event_keys_is_the_same_payment_and_is_said_to_be(db: Database) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 1))
    first = pay(db, order_id, "succeeded", 1000, "EUR", payment=pi_1)

    again = pay(db, order_id, "succeeded", 1000, "EUR", payment=pi_1)

    assert (first["outcome"], again["outcome"]) == ("applied", "ignored")
    assert "already" in again["reason"]
    assert (again["replayed"], again["payment_state"]) == (0, "paying")
    assert states(db, order_id) == {pi_1: "paying"}
    assert refunds_due(db, order_id) == {}


def test_two_refunds_told_of_one_payment_leave_the_other_due(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    hold_id = hold(db, new_product(db, 1))
    db.travel(121)
    pay(db, hold_id, "succeeded", 1000, "EUR", payment=pi_1)
    pay(db, hold_id, "succeeded", 1000, "EUR", payment=pi_2)
    sweep(db)
    assert refunds_due(db, hold_id) == {pi_1: 1000, pi_2: 1000}

    assert pay(db, hold_id, "refunded", 1000, "EUR", payment=pi_1)["outcome"] == "applied"
    assert pay(db, hold_id, "refunded", 1000, "EUR", payment=pi_1)["outcome"] == "ignored"

    assert states(db, hold_id) == {pi_1: "settled", pi_2: "due"}
    assert refunds_due(db, hold_id) == {pi_2: 1000}


def test_when_the_paying_payment_is_refunded_another_one_that_fits_takes_its_place(db: Database) -> None:
    pi_1, pi_2, pi_3, pi_4 = (new_payment() for _ in range(4))
    product = new_product(db, 1)
    order_id = order(db, product)
    first, wrong, second, third = (
        pay(db, order_id, "succeeded", amount, "EUR", new_key(), payment)
        for payment, amount in [(pi_1, 1000), (pi_2, 999), (pi_3, 1000), (pi_4, 1000)]
    )
    assert [event["outcome"] for event in (first, wrong, second, third)] == [
        "applied", "amount_mismatch", "refund_due", "refund_due",
    ]  # fmt: skip

    assert said(pay(db, order_id, "refunded", payment=pi_1)) == ("applied", "paid")

    assert states(db, order_id) == {pi_1: "settled", pi_2: "due", pi_3: "paying", pi_4: "due"}
    again = pay(db, order_id, "succeeded", 1000, "EUR", second["idempotency_key"], pi_3)
    assert (said(again), again["replayed"]) == (("applied", "paid"), 1)
    assert stock(db, product) == (0, 0, 1)
    assert db.one("get_order", order_id)["refunded"] == 0


def test_a_payment_of_which_something_went_back_takes_nobodys_place(db: Database) -> None:
    pi_1, pi_2, pi_3 = (new_payment() for _ in range(3))
    product = new_product(db, 1)
    order_id = order(db, product)
    for payment in (pi_1, pi_2, pi_3):
        pay(db, order_id, payment=payment)
    pay(db, order_id, "refunded", 1, payment=pi_2)
    pay(db, order_id, "refunded", 1, payment=pi_3)
    pay(db, order_id, "refund_failed", 1, payment=pi_3)

    assert said(pay(db, order_id, "refunded", payment=pi_1)) == ("applied", "refunded")

    assert refunds_due(db, order_id) == {pi_2: 999, pi_3: 1000}
    assert stock(db, product) == (1, 0, 0)


def test_the_failure_of_another_payment_does_not_cancel_an_order_for_which_money_came(db: Database) -> None:
    pi_1, pi_2, pi_3 = (new_payment() for _ in range(3))
    product = new_product(db, 1)
    order_id = order(db, product)
    pay(db, order_id, "succeeded", 999, payment=pi_1)

    assert said(pay(db, order_id, "failed", payment=pi_2)) == ("ignored", "pending")

    assert said(pay(db, order_id, "succeeded", 1000, payment=pi_3)) == ("applied", "paid")


def test_a_declined_card_leaves_the_order_to_its_buyer_while_others_want_it(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    product = new_product(db, 2)
    order_id = order(db, product)
    pay(db, order_id, "declined", payment=pi_1)
    hold(db, product)

    assert said(pay(db, order_id, payment=pi_2)) == ("applied", "paid")
    assert stock(db, product) == (0, 1, 1)


def test_an_event_that_names_only_the_payment_is_found_by_it(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 1)
    order_id = order(db, product)
    pay(db, order_id, payment=pi_1)

    refunded = pay(db, None, "refunded", 1000, "EUR", payment=pi_1)

    assert (said(refunded), refunded["order_id"]) == (("applied", "refunded"), order_id)
    assert stock(db, product) == (1, 0, 0)


def test_an_event_that_names_only_an_unknown_payment_waits_until_the_payment_is_known(db: Database) -> None:
    order_id = order(db, new_product(db, 1))
    payment = f"pi_{order_id}"

    early = pay(db, None, "refunded", 400, "EUR", payment=payment)
    assert (said(early), early["order_id"], early["payment_state"]) == (("parked", None), None, "open")

    assert said(pay(db, order_id, payment=payment)) == ("applied", "paid")
    assert db.one("get_order", order_id)["refunded"] == 400


def test_an_event_that_names_no_payment_is_about_the_only_one(db: Database) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, payment=pi_1)

    refunded = pay(db, order_id, "refunded", 400)

    assert (refunded["payment_id"], said(refunded)) == (pi_1, ("applied", "paid"))


def test_of_two_payments_an_event_that_names_none_is_about_neither(db: Database) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, payment=pi_1)
    pay(db, order_id, payment=pi_2)

    refunded = pay(db, order_id, "refunded")

    assert (refunded["payment_id"], said(refunded)) == (order_id, ("ignored", "paid"))
    assert refunds_due(db, order_id) == {pi_2: 1000}


def test_the_first_named_payment_is_the_one_of_which_events_without_a_name_told(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 1)
    order_id = lapsed_order(db, product)

    assert said(pay(db, order_id, payment=pi_1)) == ("applied", "paid")

    assert states(db, order_id) == {pi_1: "paying"}


def test_a_payment_that_failed_for_one_order_may_succeed_for_another(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 2)
    one, other = order(db, product), order(db, product)
    pay(db, one, "failed", payment=pi_1)

    assert said(pay(db, other, payment=pi_1)) == ("applied", "paid")

    assert (states(db, one), states(db, other)) == ({}, {pi_1: "paying"})
    assert db.one("get_order", one)["status"] == "cancelled"


def test_a_payment_that_was_received_stays_with_its_order(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 2)
    one, other = order(db, product), order(db, product)
    pay(db, one, payment=pi_1)

    assert pay(db, other, payment=pi_1)["outcome"] == "ignored"

    assert states(db, one) == {pi_1: "paying"}
    assert db.one("get_order", other)["status"] == "pending"


@pytest.mark.parametrize("like", [str.upper, "{} ".format, " {}".format, "{}\0".format, "\u0301{}".format])
def test_payments_are_told_apart_byte_by_byte(db: Database, like: Callable[[str], str]) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, payment=pi_1)

    assert said(pay(db, order_id, payment=like(pi_1))) == ("refund_due", "paid")
    assert refunds_due(db, order_id) == {like(pi_1): 1000}
