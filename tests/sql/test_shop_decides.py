"""What the buyer and the shop may decide about an order or a sale: to cancel, to stop, to hand over, another price."""

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

# -- a cancelled order


def test_a_buyer_cancels_a_pending_order_and_the_units_are_free_at_once(db: Database) -> None:
    product = new_product(db, 1)
    order_id = order(db, product)

    cancelled = db.one("cancel_pending_order", order_id)

    assert (cancelled["status"], cancelled["cancelled_as"], cancelled["replayed"]) == ("cancelled", "withdrawn", 0)
    assert stock(db, product) == (1, 0, 0)
    assert db.one("cancel_pending_order", order_id) == {**cancelled, "replayed": 1}
    hold(db, product)


def test_a_late_payment_of_an_order_that_its_buyer_cancelled_is_due(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 1)
    order_id = order(db, product)
    db.one("cancel_pending_order", order_id)

    assert said(pay(db, order_id, payment=pi_1)) == ("refund_due", "cancelled")

    assert refunds_due(db, order_id) == {pi_1: 1000}
    assert stock(db, product) == (1, 0, 0)


def test_a_buyer_cancels_an_order_that_was_paid_amiss_and_that_money_stays_due(db: Database) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, "succeeded", 999, payment=pi_1)

    db.one("cancel_pending_order", order_id)

    assert refunds_due(db, order_id) == {pi_1: 999}


@pytest.mark.parametrize("state", ["paid", "refunded", "free of charge"])
def test_a_buyer_does_not_cancel_what_is_paid(db: Database, state: str) -> None:
    product = new_product(db, 1, price=0 if state == "free of charge" else 1000)
    order_id = order(db, product)
    if state != "free of charge":
        pay(db, order_id)
    if state == "refunded":
        pay(db, order_id, "refunded")
    before = stock(db, product)

    refused = refusal(lambda: db.one("cancel_pending_order", order_id))

    assert (refused.slug, refused.sqlstate) == ("order_not_cancellable", "45409")
    assert stock(db, product) == before


def test_a_buyer_does_not_cancel_what_is_no_order(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1))

    for order_id in (hold_id, new_key()):
        assert refusal(lambda o=order_id: db.one("cancel_pending_order", o)).slug == "order_not_found"


def test_an_order_that_the_operator_cancelled_is_not_paid_any_more_and_keeps_its_reason(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 2)
    order_id = order(db, product)
    db.one("cancel_order", order_id, "fraud")

    assert said(pay(db, order_id, payment=pi_1)) == ("refund_due", "cancelled")

    closed = db.one("get_order", order_id)
    assert (closed["cancelled_as"], closed["closed_reason"]) == ("withdrawn", "fraud")
    assert refunds_due(db, order_id) == {pi_1: 1000}
    assert stock(db, product) == (2, 0, 0)


# -- a stopped sale


def test_a_stopped_sale_ends_live_holds_and_sells_nothing_more(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 10)
    hold_id, paid_hold = hold(db, product, 2), hold(db, product, 1)
    pay(db, paid_hold, payment=pi_1)

    db.one("stop_sale", product, "a recall")

    assert db.one("get_product", product)["stopped_at"] is not None
    stopped = refusal(lambda: db.one("get_hold", hold_id))
    assert (stopped.sqlstate, "stopped" in stopped.detail) == ("45410", True)
    assert refusal(lambda: db.one("create_order", hold_id, None)).sqlstate in ("45409", "45410")
    assert refusal(lambda: hold(db, product)).sqlstate == "45409"
    assert stock(db, product) == (10, 0, 0)
    sweep(db)
    assert refunds_due(db, paid_hold) == {pi_1: 1000}


def test_a_pending_order_of_a_stopped_sale_can_still_be_paid(db: Database) -> None:
    product = new_product(db, 10)
    order_id = order(db, product)
    db.one("stop_sale", product, "a recall")

    assert said(pay(db, order_id)) == ("applied", "paid")
    assert stock(db, product) == (9, 0, 1)


def test_an_overdue_order_of_a_stopped_sale_can_be_paid_until_it_lapsed(db: Database) -> None:
    product = new_product(db, 10)
    first, second = order(db, product), order(db, product)
    db.one("stop_sale", product, "a recall")
    db.travel(901)

    assert said(pay(db, first)) == ("applied", "paid")
    sweep(db)
    assert said(pay(db, second)) == ("refund_due", "cancelled")


def test_a_lapsed_order_of_a_stopped_sale_is_not_paid_any_more(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 10)
    order_id = lapsed_order(db, product)
    db.one("stop_sale", product, "a recall")

    assert said(pay(db, order_id, payment=pi_1)) == ("refund_due", "cancelled")
    assert refunds_due(db, order_id) == {pi_1: 1000}
    assert stock(db, product) == (10, 0, 0)


# -- what is handed over


def test_a_paid_order_is_handed_over_once(db: Database) -> None:
    order_id = order(db, new_product(db, 1))
    pay(db, order_id)

    first = db.one("fulfil_order", order_id)

    assert (first["status"], first["fulfilled_at"] is not None, first["replayed"]) == ("paid", True, 0)
    assert db.one("fulfil_order", order_id) == {**first, "replayed": 1}


@pytest.mark.parametrize("state", ["pending", "cancelled", "refunded"])
def test_only_a_paid_order_is_handed_over(db: Database, state: str) -> None:
    product = new_product(db, 1)
    order_id = lapsed_order(db, product) if state == "cancelled" else order(db, product)
    if state == "refunded":
        pay(db, order_id)
        pay(db, order_id, "refunded")

    refused = refusal(lambda: db.one("fulfil_order", order_id))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("order_not_fulfillable", 31113, "45409")
    assert refusal(lambda: db.one("fulfil_order", new_key())).slug == "order_not_found"


# -- the price


def test_an_order_costs_what_its_hold_was_told(db: Database) -> None:
    product = new_product(db, 10, price=1000)
    before = hold(db, product, 2)

    db.one("set_price", product, 1500, "demand")

    assert db.one("get_hold", before)["unit_price"] == 1000
    assert db.one("create_order", before, None)["amount"] == 2000
    assert said(pay(db, before, "succeeded", 2000, "EUR")) == ("applied", "paid")
    after = db.one("get_hold", hold(db, product, 2))
    assert after["unit_price"] == 1500
    assert db.one("create_order", after["hold_id"], None)["amount"] == 3000


def test_a_payment_before_the_order_is_compared_with_the_price_of_the_hold(db: Database) -> None:
    product = new_product(db, 10, price=1000)
    hold_id = hold(db, product, 2)
    db.one("set_price", product, 1500, "demand")

    pay(db, hold_id)

    assert db.one("create_order", hold_id, None)["status"] == "paid"
    assert refunds_due(db, hold_id) == {}


def test_what_costs_nothing_is_paid_when_it_is_ordered_and_handed_over(db: Database) -> None:
    product = new_product(db, 2, price=0)
    hold_id = hold(db, product)

    born = db.one("create_order", hold_id, new_key())

    assert (born["status"], born["amount"], born["paid_at"]) == ("paid", 0, born["created_at"])
    assert stock(db, product) == (1, 0, 1)
    assert db.one("fulfil_order", hold_id)["status"] == "paid"


def test_any_money_for_what_costs_nothing_is_due(db: Database) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 2, price=0))

    assert said(pay(db, order_id, "succeeded", 500, "EUR", payment=pi_1)) == ("amount_mismatch", "paid")

    assert refunds_due(db, order_id) == {pi_1: 500}


def test_the_operator_may_cancel_what_costs_nothing(db: Database) -> None:
    product = new_product(db, 2, price=0)
    order_id = order(db, product)

    assert db.one("cancel_order", order_id, "one each, please")["cancelled_as"] == "withdrawn"
    assert stock(db, product) == (2, 0, 0)
