"""Money that goes back, in parts, in vain, by the provider or by hand; and payments that are taken after all."""

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
    refusal,
    said,
    stock,
    sweep,
)


def late_payment(db: Database, product: int) -> str:
    """An order of all units that are free, paid by pi_{order_id} after they were lost."""
    free = stock(db, product)[0]
    order_id = lapsed_order(db, product, free)
    db.one("adjust_stock", product, -free, "lost")
    assert pay(db, order_id, payment=f"pi_{order_id}")["outcome"] == "refund_due"
    return order_id


# -- told by the provider


def test_what_is_due_for_a_refund_stays_so_until_it_is_refunded(db: Database) -> None:
    product = new_product(db, 1)
    order_id = lapsed_order(db, product)
    hold_id = hold(db, product)
    pay(db, order_id)
    db.one("release_hold", hold_id)

    assert said(pay(db, order_id)) == ("ignored", "cancelled")
    assert said(pay(db, order_id, "failed")) == ("ignored", "cancelled")
    assert refunds_due(db, order_id) == {order_id: 1000}
    assert said(pay(db, order_id, "refunded")) == ("applied", "cancelled")
    assert said(pay(db, order_id, "refunded")) == ("ignored", "cancelled")
    assert refunds_due(db, order_id) == {}
    assert stock(db, product) == (1, 0, 0)


def test_a_refund_of_a_paid_order_returns_its_units_to_sale(db: Database) -> None:
    product = new_product(db, 2, max_per_customer=2)
    order_id = order(db, product, 2, "alice")
    pay(db, order_id)

    assert said(pay(db, order_id, "refunded")) == ("applied", "refunded")
    assert stock(db, product) == (2, 0, 0)
    assert said(pay(db, order_id)) == ("ignored", "refunded")
    hold(db, product, 2, "alice")


def test_parts_that_go_back_are_told_as_the_sum_so_far(db: Database) -> None:
    product = new_product(db, 1)
    order_id = order(db, product)
    pay(db, order_id)

    for told, back in [(300, 300), (700, 700), (300, 700)]:
        pay(db, order_id, "refunded", told, "EUR")
        paid = db.one("get_order", order_id)
        assert (paid["status"], paid["refunded"], paid["refund_due"]) == ("paid", back, 0)

    assert said(pay(db, order_id, "refunded", 1001, "EUR")) == ("applied", "refunded")
    assert db.one("get_order", order_id)["refunded"] == 1000


def test_a_refund_that_failed_is_due_again_until_it_is_told_again(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 1)
    order_id = order(db, product)
    pay(db, order_id, payment=pi_1)
    pay(db, order_id, "refunded", 1000, payment=pi_1)

    failed = pay(db, order_id, "refund_failed", 1000, payment=pi_1)
    assert (said(failed), failed["payment_state"]) == (("applied", "refunded"), "due")
    assert refunds_due(db, order_id) == {pi_1: 1000}
    assert stock(db, product) == (1, 0, 0)

    again = pay(db, order_id, "refunded", 1000, payment=pi_1)
    assert (said(again), again["payment_state"]) == (("applied", "refunded"), "settled")
    assert refunds_due(db, order_id) == {}


def test_a_part_of_a_paid_order_that_could_not_be_sent_back_is_due(db: Database) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, payment=pi_1)
    pay(db, order_id, "refunded", 400, payment=pi_1)

    assert said(pay(db, order_id, "refund_failed", 400, payment=pi_1)) == ("applied", "paid")

    paid = db.one("get_order", order_id)
    assert (paid["refunded"], paid["refund_due"]) == (0, 400)
    assert refunds_due(db, order_id) == {pi_1: 400}


@pytest.mark.parametrize("status", ["pending", "cancelled"])
def test_a_refund_of_what_was_never_paid_is_ignored(db: Database, status: str) -> None:
    product = new_product(db, 2)
    order_id = order(db, product) if status == "pending" else lapsed_order(db, product)

    assert said(pay(db, order_id, "refunded")) == ("ignored", status)


def test_a_refund_of_nothing_or_in_another_currency_is_not_booked(db: Database) -> None:
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, "succeeded", 1000, "EUR")

    assert said(pay(db, order_id, "refunded", 0, "EUR")) == ("ignored", "paid")
    assert said(pay(db, order_id, "refunded", 1000, "USD")) == ("amount_mismatch", "paid")

    assert db.one("get_order", order_id)["refunded"] == 0


def test_the_refund_of_an_orphaned_payment_may_come_before_the_payment(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1))
    db.one("release_hold", hold_id)
    early = new_key()

    assert pay(db, hold_id, "refunded", key=early)["outcome"] == "ignored"
    late = pay(db, hold_id, "succeeded")

    assert (late["outcome"], late["payment_state"]) == ("refund_due", "settled")
    assert pay(db, hold_id, "refunded", key=early)["outcome"] == "applied"
    assert refunds_due(db, hold_id) == {}


def test_units_that_were_handed_over_do_not_come_back_with_the_money(db: Database) -> None:
    product = new_product(db, 2)
    order_id = order(db, product, 2)
    pay(db, order_id)
    db.one("fulfil_order", order_id)

    assert said(pay(db, order_id, "refunded")) == ("applied", "refunded")

    assert stock(db, product)[:2] == (0, 0)
    assert refusal(lambda: hold(db, product)).slug == "sold_out"


# -- recorded by hand


def test_a_refund_that_is_due_is_listed_recorded_and_gone(db: Database) -> None:
    product = new_product(db, 2)
    order_id = late_payment(db, product)
    payment = f"pi_{order_id}"
    [due] = [row for row in db.call("list_refunds_due") if row["order_id"] == order_id]
    assert {name: due[name] for name in due if name not in ("received_at", "reason")} == {
        "payment_id": payment, "order_id": order_id, "product_id": product, "customer_id": None,
        "amount_due": 2000, "currency": "EUR", "order_status": "cancelled",
    }  # fmt: skip
    assert due["reason"]
    assert due["received_at"]

    assert db.one("record_refund", payment, "re_1")["replayed"] == 0

    assert refunds_due(db, order_id) == {}
    assert payments_of(db, order_id)[payment]["state"] == "settled"
    assert db.one("record_refund", payment, "re_2")["replayed"] == 1
    assert pay(db, order_id, "refunded", 2000, "EUR", payment=payment)["outcome"] == "ignored"


def test_of_two_payments_that_are_due_one_is_recorded_and_the_other_stays(db: Database) -> None:
    pi_1, pi_2, pi_3 = (new_payment() for _ in range(3))
    order_id = order(db, new_product(db, 1))
    for payment in (pi_1, pi_2, pi_3):
        pay(db, order_id, payment=payment)

    db.one("record_refund", pi_2, "re_1")

    assert refunds_due(db, order_id) == {pi_3: 1000}
    assert db.one("get_order", order_id)["status"] == "paid"


def test_what_was_given_back_in_part_is_due_for_the_rest_and_recorded_as_a_whole(db: Database) -> None:
    order_id = late_payment(db, new_product(db, 2))
    payment = f"pi_{order_id}"

    assert pay(db, order_id, "refunded", 500, "EUR", payment=payment)["outcome"] == "applied"
    assert refunds_due(db, order_id) == {payment: 1500}
    db.one("record_refund", payment, "re_1")

    assert payments_of(db, order_id)[payment]["went_back"] == 2000


def test_a_recorded_refund_that_the_provider_tells_of_and_that_fails_is_due_again(db: Database) -> None:
    order_id = late_payment(db, new_product(db, 2))
    payment = f"pi_{order_id}"
    db.one("record_refund", payment, "re_1")
    pay(db, order_id, "refunded", 2000, "EUR", payment=payment)

    pay(db, order_id, "refund_failed", 2000, "EUR", payment=payment)

    assert refunds_due(db, order_id) == {payment: 2000}
    assert db.one("record_refund", payment, "re_2")["replayed"] == 0
    assert refunds_due(db, order_id) == {}


def test_the_refund_of_an_amount_that_nobody_named_may_fail_and_be_told_again(db: Database) -> None:
    pi_1, unknown = new_payment(), new_key()
    pay(db, unknown, payment=pi_1)
    assert db.one("record_refund", pi_1, "re_1")["payment_state"] == "settled"
    assert pay(db, unknown, "refunded", payment=pi_1)["outcome"] == "ignored"  # that of which the operator wrote

    for _ in range(2):
        failed = pay(db, unknown, "refund_failed", payment=pi_1)
        assert (failed["outcome"], failed["payment_state"]) == ("applied", "due")
        assert refunds_due(db, unknown) == {pi_1: None}

        again = pay(db, unknown, "refunded", payment=pi_1)
        assert (again["outcome"], again["payment_state"]) == ("applied", "settled")
        assert refunds_due(db, unknown) == {}

    assert pay(db, unknown, "refunded", 400, payment=pi_1)["payment_state"] == "settled"


def test_a_part_that_could_not_be_sent_back_is_recorded_and_the_order_stays_paid(db: Database) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, payment=pi_1)
    pay(db, order_id, "refunded", 400, payment=pi_1)
    pay(db, order_id, "refund_failed", 400, payment=pi_1)

    db.one("record_refund", pi_1, "re_1")

    paid = db.one("get_order", order_id)
    assert (paid["status"], paid["refunded"], paid["refund_due"]) == ("paid", 400, 0)


@pytest.mark.parametrize("state", ["open", "paying", "waiting"])
def test_there_is_nothing_to_record_of_a_payment_that_is_not_due(db: Database, state: str) -> None:
    product = new_product(db, 2)
    order_id = hold(db, product) if state == "waiting" else order(db, product)
    payment = pay(db, order_id, "declined" if state == "open" else "succeeded")
    assert payment["payment_state"] == state

    refused = refusal(lambda: db.one("record_refund", payment["payment_id"], "re_1"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("refund_not_due", 31111, "45409")
    assert refunds_due(db, order_id) == {}


@pytest.mark.parametrize("procedure", ["record_refund", "accept_payment"])
def test_a_payment_that_nobody_knows_is_not_found(db: Database, procedure: str) -> None:
    refused = refusal(lambda: db.one(procedure, new_key(), "re_1"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("payment_not_found", 31005, "45404")


# -- taken after all


@pytest.mark.parametrize("time", ["pending", "overdue", "lapsed"])
def test_a_payment_of_another_amount_is_due_and_may_be_accepted(db: Database, time: str) -> None:
    pi_1 = new_payment()
    product = new_product(db, 1)
    order_id = order(db, product)
    pay(db, order_id, "succeeded", 700, "EUR", payment=pi_1)
    if time != "pending":
        db.travel(901)
    if time == "lapsed":
        sweep(db)
    assert refunds_due(db, order_id) == {pi_1: 700}

    db.one("accept_payment", pi_1, "a voucher")

    paid = db.one("get_order", order_id)
    assert (paid["status"], paid["cancelled_as"], paid["refund_due"]) == ("paid", None, 0)
    assert payments_of(db, order_id)[pi_1]["state"] == "paying"
    assert stock(db, product) == (0, 0, 1)


def test_a_payment_of_another_amount_of_an_overdue_order_may_be_recorded_instead(db: Database) -> None:
    pi_1 = new_payment()
    order_id = order(db, new_product(db, 1))
    pay(db, order_id, "succeeded", 700, "EUR", payment=pi_1)
    db.travel(901)

    db.one("record_refund", pi_1, "re_1")

    assert refunds_due(db, order_id) == {}
    assert refusal(lambda: db.one("accept_payment", pi_1, "too late")).slug == "payment_not_acceptable"


def test_the_refund_of_an_accepted_payment_refunds_its_order(db: Database) -> None:
    pi_1 = new_payment()
    product = new_product(db, 1)
    order_id = order(db, product)
    pay(db, order_id, "succeeded", 700, "EUR", payment=pi_1)
    db.one("accept_payment", pi_1, "a voucher")

    assert said(pay(db, order_id, "refunded", 700, payment=pi_1)) == ("applied", "refunded")

    assert stock(db, product) == (1, 0, 0)


@pytest.mark.parametrize("state", ["paid by another", "withdrawn", "sold on", "stopped", "no order"])
def test_a_payment_is_not_accepted_for_an_order_that_it_cannot_pay(db: Database, state: str) -> None:
    pi_1, pi_2 = (new_payment() for _ in range(2))
    product = new_product(db, 1)
    order_id = hold(db, product) if state == "no order" else order(db, product)
    pay(db, order_id, "succeeded", 700, "EUR", payment=pi_1)
    if state == "paid by another":
        pay(db, order_id, payment=pi_2)
    elif state == "withdrawn":
        db.one("cancel_order", order_id, "fraud")
    elif state == "no order":
        db.one("release_hold", order_id)
        sweep(db)
    else:
        db.travel(901)
        sweep(db)
        if state == "sold on":
            hold(db, product)
        else:
            db.one("stop_sale", product, "a recall")
    before = stock(db, product)

    refused = refusal(lambda: db.one("accept_payment", pi_1, "a voucher"))

    assert (refused.slug, refused.sqlstate) == (
        "sold_out" if state == "sold on" else "payment_not_acceptable", "45409",
    )  # fmt: skip
    assert (refunds_due(db, order_id), stock(db, product)) == ({pi_1: 700}, before)


# -- decided anew


def test_a_payment_that_came_too_late_is_decided_anew_when_its_units_are_back(db: Database) -> None:
    product = new_product(db, 2)
    order_id = late_payment(db, product)
    webhook = db.value("SELECT MAX(webhook_id) FROM payment_webhooks WHERE payment_id = %s", f"pi_{order_id}")
    settled = refusal(lambda: db.one("reprocess_webhook", webhook))
    assert (settled.slug, settled.errno, settled.sqlstate) == ("webhook_settled", 31112, "45409")

    db.one("adjust_stock", product, 2, "found again")
    decided = db.one("reprocess_webhook", webhook)

    assert (said(decided), decided["payment_state"], decided["replayed"]) == (("applied", "paid"), "paying", 0)
    assert stock(db, product) == (0, 0, 2)
    assert refunds_due(db, order_id) == {}
    assert db.one("reprocess_webhook", webhook)["replayed"] == 1
    assert stock(db, product) == (0, 0, 2)


def test_a_payment_of_a_withdrawn_order_is_not_decided_anew(db: Database) -> None:
    product = new_product(db, 2)
    order_id = order(db, product)
    db.one("cancel_order", order_id, "fraud")
    webhook = pay(db, order_id)

    assert refusal(lambda: db.one("reprocess_webhook", webhook["webhook_id"])).slug == "webhook_settled"


def test_a_payment_that_went_back_in_the_meantime_pays_nothing_any_more(db: Database) -> None:
    product = new_product(db, 2)
    order_id = late_payment(db, product)
    webhook = db.value("SELECT MAX(webhook_id) FROM payment_webhooks WHERE payment_id = %s", f"pi_{order_id}")
    db.one("record_refund", f"pi_{order_id}", "re_1")
    db.one("adjust_stock", product, 2, "found again")

    assert refusal(lambda: db.one("reprocess_webhook", webhook)).slug == "webhook_settled"
    assert stock(db, product) == (2, 0, 0)
