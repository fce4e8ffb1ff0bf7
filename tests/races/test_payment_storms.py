"""Payments that meet each other, or the end of what they pay for, at the same instant. Not one cent is lost."""

import datetime
from collections.abc import Callable

import pytest

from tests.support.database import Database, Row
from tests.support.sale import (
    at_once,
    hold,
    lapsed_order,
    new_payment,
    new_product,
    order,
    pay,
    payments_of,
    refunds_due,
    said,
    stock,
    sweep,
    tally,
)

Crowd = Callable[[int], list[Database]]
Act = Callable[[Database], Row]

ROUNDS = 25
MICROSECOND = datetime.timedelta(microseconds=1)


def meet(sessions: list[Database], *acts: Act) -> list[Row | Exception]:
    """Each act in a session of its own, at the same instant; the sale may refuse one, nothing else may fail."""
    answers = at_once(lambda pair: pair[1](pair[0]), zip(sessions, acts, strict=True))
    tally(answers)
    return answers


def paying(order_id: str | None, payment: str, status: str = "succeeded", amount: int | None = None) -> Act:
    """An event of a payment comes."""
    return lambda session: pay(session, order_id, status, amount, payment=payment)


def calling(procedure: str, *arguments: object) -> Act:
    """Somebody CALLs a procedure."""
    return lambda session: session.one(procedure, *arguments)


def ends(db: Database, order_id: str) -> dict[str, str]:
    """The payments of an order with their states, and whether it is due what is said to be due, and no more."""
    payments, due = payments_of(db, order_id), refunds_due(db, order_id)
    assert due == {
        payment: row["amount"] - row["went_back"] for payment, row in payments.items() if row["state"] == "due"
    }
    return {payment: row["state"] for payment, row in payments.items()}


def test_of_two_payments_at_the_same_instant_one_pays_and_the_other_is_due(db: Database, crowd: Crowd) -> None:
    product = new_product(db, ROUNDS)
    for _ in range(ROUNDS):
        order_id, pi_1, pi_2 = order(db, product), new_payment(), new_payment()

        meet(crowd(2), paying(order_id, pi_1), paying(order_id, pi_2))

        assert sorted(ends(db, order_id).values()) == ["due", "paying"]
        assert db.one("get_order", order_id)["status"] == "paid"
    assert stock(db, product) == (0, 0, ROUNDS)


def test_of_50_payments_of_one_order_at_once_one_pays_and_49_are_due(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 1)
    order_id = order(db, product)

    outcomes = at_once(lambda session: pay(session, order_id, payment=new_payment())["outcome"], crowd(50))

    assert sorted(outcomes) == ["applied"] + ["refund_due"] * 49  # type: ignore[type-var]
    assert sorted(ends(db, order_id).values()) == ["due"] * 49 + ["paying"]
    assert db.one("get_order", order_id)["refund_due"] == 49_000


def test_one_payment_under_50_event_keys_at_once_pays_once_and_nothing_is_due(db: Database, crowd: Crowd) -> None:
    order_id, pi_1 = order(db, new_product(db, 1)), new_payment()

    outcomes = at_once(lambda session: pay(session, order_id, payment=pi_1)["outcome"], crowd(50))

    assert sorted(outcomes) == ["applied"] + ["ignored"] * 49  # type: ignore[type-var]
    assert ends(db, order_id) == {pi_1: "paying"}


@pytest.mark.parametrize("told", ["an order", "a hold", "nothing yet"])
def test_a_success_and_its_refund_at_the_same_instant_settle_the_payment(db: Database, crowd: Crowd, told: str) -> None:
    product = new_product(db, 1)
    for _ in range(ROUNDS):
        order_id, pi_1 = order(db, product) if told == "an order" else hold(db, product), new_payment()
        if told == "nothing yet":
            db.one("release_hold", order_id)

        meet(crowd(2), paying(order_id, pi_1), paying(order_id, pi_1, "refunded"))

        if told == "a hold":
            assert db.one("create_order", order_id, None)["status"] == "refunded"
        elif told == "an order":
            assert db.one("get_order", order_id)["status"] == "refunded"
        assert ends(db, order_id) == {pi_1: "settled"}
        assert stock(db, product) == (1, 0, 0)


@pytest.mark.parametrize("make", [order, hold])
def test_a_refund_that_names_only_the_payment_beside_the_first_event_that_names_its_order_settles_it(
    db: Database, crowd: Crowd, make: Callable[[Database, int], str]
) -> None:
    product = new_product(db, 1)
    for _ in range(ROUNDS):
        order_id, pi_1 = make(db, product), new_payment()

        meet(crowd(2), paying(order_id, pi_1), paying(None, pi_1, "refunded"))

        if make is hold:
            db.one("create_order", order_id, None)
        assert db.one("get_order", order_id)["status"] == "refunded"
        assert ends(db, order_id) == {pi_1: "settled"}
        assert stock(db, product) == (1, 0, 0)


def test_a_payment_that_two_orders_claim_at_the_same_instant_pays_one_of_them(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 2 * ROUNDS)
    for _ in range(ROUNDS):
        first, second, pi_1 = order(db, product), order(db, product), new_payment()

        meet(crowd(2), paying(first, pi_1), paying(second, pi_1))

        assert sorted(db.one("get_order", each)["status"] for each in (first, second)) == ["paid", "pending"]
        assert [*ends(db, first).values(), *ends(db, second).values()] == ["paying"]


def test_the_refund_of_what_pays_beside_another_payment_leaves_one_of_two_good_ends(db: Database, crowd: Crowd) -> None:
    product = new_product(db, ROUNDS)
    for _ in range(ROUNDS):
        order_id, pi_1, pi_2 = order(db, product), new_payment(), new_payment()
        pay(db, order_id, payment=pi_1)

        meet(crowd(2), paying(order_id, pi_1, "refunded"), paying(order_id, pi_2))

        # Either the second payment was there to take the place of the first, or the order was refunded before it came.
        assert (db.one("get_order", order_id)["status"], ends(db, order_id)) in [
            ("paid", {pi_1: "settled", pi_2: "paying"}), ("refunded", {pi_1: "settled", pi_2: "due"}),
        ]  # fmt: skip


def test_a_failure_and_another_success_at_the_same_instant_end_in_a_paid_order(db: Database, crowd: Crowd) -> None:
    product = new_product(db, ROUNDS)
    for _ in range(ROUNDS):
        order_id, pi_1, pi_2 = order(db, product), new_payment(), new_payment()

        meet(crowd(2), paying(order_id, pi_1, "failed"), paying(order_id, pi_2))

        assert db.one("get_order", order_id)["status"] == "paid"
        assert ends(db, order_id) == {pi_1: "failed", pi_2: "paying"}
    assert stock(db, product) == (0, 0, ROUNDS)


def test_a_payment_in_the_last_moment_of_a_hold_beside_its_sweep_keeps_the_hold_or_is_due(
    db: Database, crowd: Crowd
) -> None:
    provider, sweeper = crowd(2)
    for _ in range(ROUNDS):
        product = new_product(db, 1)
        hold_id, pi_1 = hold(db, product), new_payment()
        expires_at = db.one("get_hold", hold_id)["expires_at"]
        provider.travel_to(expires_at - MICROSECOND)
        sweeper.travel_to(expires_at)

        meet([provider, sweeper], paying(hold_id, pi_1), calling("sweep"))
        sweep(sweeper)

        units = {"waiting": (0, 1, 0), "due": (1, 0, 0)}
        assert stock(sweeper, product) == units[ends(db, hold_id)[pi_1]]


def test_a_refund_at_the_instant_at_which_the_sweep_makes_the_order_of_a_paid_hold_leaves_it_refunded_or_free(
    db: Database, crowd: Crowd
) -> None:
    provider, sweeper = crowd(2)
    for _ in range(ROUNDS):
        product = new_product(db, 1)
        hold_id, pi_1 = hold(db, product), new_payment()
        pay(db, hold_id, payment=pi_1)
        for session in (provider, sweeper):
            session.travel_to(db.one("get_hold", hold_id)["expires_at"])

        meet([provider, sweeper], paying(hold_id, pi_1, "refunded"), calling("sweep"))
        sweep(sweeper)

        assert ends(db, hold_id) == {pi_1: "settled"}
        assert stock(sweeper, product) == (1, 0, 0)


def test_two_payments_beside_the_order_they_pay_are_one_that_pays_and_one_that_is_due(
    db: Database, crowd: Crowd
) -> None:
    product = new_product(db, ROUNDS)
    for _ in range(ROUNDS):
        hold_id, pi_1, pi_2 = hold(db, product), new_payment(), new_payment()

        meet(crowd(3), paying(hold_id, pi_1), calling("create_order", hold_id, None), paying(hold_id, pi_2))

        assert db.one("get_order", hold_id)["status"] == "paid"
        assert sorted(ends(db, hold_id).values()) == ["due", "paying"]
    assert stock(db, product) == (0, 0, ROUNDS)


def test_a_payment_beside_the_release_of_its_hold_is_due(db: Database, crowd: Crowd) -> None:
    product = new_product(db, 1)
    for _ in range(ROUNDS):
        hold_id, pi_1 = hold(db, product), new_payment()

        meet(crowd(2), paying(hold_id, pi_1), calling("release_hold", hold_id))
        sweep(db)

        assert ends(db, hold_id) == {pi_1: "due"}
        assert stock(db, product) == (1, 0, 0)


@pytest.mark.parametrize("procedure", ["cancel_pending_order", "cancel_order"])
def test_a_payment_beside_a_cancellation_pays_or_is_due(db: Database, crowd: Crowd, procedure: str) -> None:
    why = ["fraud"] if procedure == "cancel_order" else []
    for _ in range(ROUNDS):
        product = new_product(db, 1)
        order_id, pi_1 = order(db, product), new_payment()

        paid, cancelled = meet(crowd(2), paying(order_id, pi_1), calling(procedure, order_id, *why))

        end = db.one("get_order", order_id)
        if isinstance(cancelled, Exception):
            assert (end["status"], ends(db, order_id), stock(db, product)) == ("paid", {pi_1: "paying"}, (0, 0, 1))
        else:
            assert (end["cancelled_as"], ends(db, order_id), stock(db, product)) == (
                "withdrawn", {pi_1: "due"}, (1, 0, 0),
            )  # fmt: skip
            assert not isinstance(paid, Exception)
            assert said(paid) == ("refund_due", "cancelled")


@pytest.mark.parametrize("state", ["a hold", "pending", "lapsed"])
def test_a_payment_beside_the_stop_of_its_sale_pays_an_order_but_no_hold(
    db: Database, crowd: Crowd, state: str
) -> None:
    for _ in range(ROUNDS):
        product, pi_1 = new_product(db, 1), new_payment()
        make = {"a hold": hold, "pending": order, "lapsed": lapsed_order}[state]
        order_id = make(db, product)
        before = set(payments_of(db, order_id))

        meet(crowd(2), paying(order_id, pi_1), calling("stop_sale", product, "a recall"))
        sweep(db)

        [end] = [end for payment, end in ends(db, order_id).items() if payment not in before - {order_id}]
        assert end in {"a hold": ["due"], "pending": ["paying"], "lapsed": ["paying", "due"]}[state]
        assert stock(db, product) == ((0, 0, 1) if end == "paying" else (1, 0, 0))


def test_an_accepted_amount_beside_the_right_one_is_one_payment_that_pays_and_one_that_is_due(
    db: Database, crowd: Crowd
) -> None:
    product = new_product(db, ROUNDS)
    for _ in range(ROUNDS):
        order_id, pi_1, pi_2 = order(db, product), new_payment(), new_payment()
        pay(db, order_id, "succeeded", 700, payment=pi_1)

        meet(crowd(2), calling("accept_payment", pi_1, "a voucher"), paying(order_id, pi_2))

        assert sorted(ends(db, order_id).values()) == ["due", "paying"]
        assert db.one("get_order", order_id)["status"] == "paid"


def test_a_refund_recorded_and_told_at_the_same_instant_went_back_once(db: Database, crowd: Crowd) -> None:
    product = new_product(db, ROUNDS)
    for _ in range(ROUNDS):
        order_id, pi_1, pi_2 = order(db, product), new_payment(), new_payment()
        for payment in (pi_1, pi_2):
            pay(db, order_id, payment=payment)

        meet(crowd(2), calling("record_refund", pi_2, "re_1"), paying(order_id, pi_2, "refunded", 1000))

        assert ends(db, order_id) == {pi_1: "paying", pi_2: "settled"}
        assert payments_of(db, order_id)[pi_2]["went_back"] == 1000


def test_a_payment_that_is_handed_over_and_refunded_at_the_same_instant_is_restocked_or_not(
    db: Database, crowd: Crowd
) -> None:
    for _ in range(ROUNDS):
        product = new_product(db, 1)
        order_id, pi_1 = order(db, product), new_payment()
        pay(db, order_id, payment=pi_1)

        handed, _ = meet(crowd(2), calling("fulfil_order", order_id), paying(order_id, pi_1, "refunded"))

        assert db.one("get_order", order_id)["status"] == "refunded"
        assert stock(db, product)[0] == int(isinstance(handed, Exception))


def test_late_payments_of_one_sold_on_unit_beside_each_other_and_a_buyer_share_what_is_left(
    db: Database, crowd: Crowd
) -> None:
    provider, other, *buyers = crowd(4)
    for _ in range(ROUNDS):
        product = new_product(db, 2)
        first, second = lapsed_order(db, product), lapsed_order(db, product)

        acts = [paying(first, new_payment()), paying(second, new_payment())]
        acts += [lambda session, p=product: session.one("create_hold", p, 1, None, None)] * 2  # type: ignore[misc]
        meet([provider, other, *buyers], *acts)

        available, held, sold = stock(db, product)
        assert (available, held + sold) == (0, 2)
        states = [*ends(db, first).values(), *ends(db, second).values()]
        assert states.count("paying") == sold
        assert states.count("due") == 2 - sold
