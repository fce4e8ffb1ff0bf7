"""What an operator repeats under the same key does nothing twice."""

import re
from typing import Any

import pytest

from sql.deploy.objects import all_objects
from tests.support.database import Database, Row
from tests.support.good_calls import KEYED, GoodCalls
from tests.support.sale import (
    new_key,
    new_payment,
    new_product,
    order,
    pay,
    refunds_due,
    refusal,
    stock,
)

OTHER: dict[str, tuple[str, Any]] = {
    "create_product": ("stock_total", 11),
    "reprocess_webhook": ("webhook_id", 2**40),
    "resend_notification": ("notification_id", 2**40),
}
"""The parameter that is another one; of all others the reason."""


def lasting(row: Row) -> Row:
    """A row without what passes by itself, or says that it was a repeat."""
    return {name: value for name, value in row.items() if name not in ("replayed", "pay_in_ms", "amount")}


@pytest.fixture
def shop(db: Database, procedure: str) -> GoodCalls:
    """In which the procedure has something to do; what is resumed was paused."""
    made = GoodCalls(db, procedure)
    if procedure == "resume_sale":
        db.one("pause_sale", made.product, "the shop is down")
    return made


def test_what_operators_write_takes_a_key_or_the_manual_says_why_not() -> None:
    writing = {
        item.name for item in all_objects()
        if item.kind == "PROCEDURE" and re.search(r"CALL (_record_action|_use_key|_change_stock)\(", item.statement)
        and not item.name.startswith("_")
    }  # fmt: skip

    assert len(KEYED) == 14
    assert writing - set(KEYED) == {"forget_customer"}


@pytest.mark.parametrize("procedure", KEYED)
def test_a_repeat_changes_nothing_and_returns_what_is_there(shop: GoodCalls, procedure: str) -> None:
    given = shop.good(procedure)
    [first] = shop.db.call(procedure, *given.values())
    after = shop.state()

    [again] = shop.db.call(procedure, *given.values())

    assert (first["replayed"], again["replayed"]) == (0, 1)
    assert lasting(again) == lasting(first)
    assert shop.state() == after


@pytest.mark.parametrize("procedure", KEYED)
def test_other_parameters_or_another_procedure_under_the_key_are_refused(shop: GoodCalls, procedure: str) -> None:
    key = new_key()
    shop.call(procedure, idempotency_key=key)
    name, other = OTHER.get(procedure, ("reason", "another one"))
    after = shop.state()

    if procedure in ("create_product", "adjust_stock") or name == "reason":
        refused = refusal(lambda: shop.call(procedure, idempotency_key=key, **{name: other}))
        assert (refused.slug, refused.errno, refused.sqlstate) == ("idempotency_key_reused", 31303, "45422")
    another = "set_price" if procedure != "set_price" else "adjust_stock"
    assert refusal(lambda: shop.call(another, idempotency_key=key)).slug == "idempotency_key_reused"
    assert shop.state() == after


def test_units_are_added_once_and_a_price_that_others_changed_since_stays(db: Database) -> None:
    product, delivery, price = new_product(db, 10), new_key(), new_key()
    for _ in range(3):
        db.one("adjust_stock", product, 5, "second delivery", delivery)
    db.one("set_price", product, 900, "last hour", price)
    db.one("set_price", product, 800, "last minute")

    again = db.one("set_price", product, 900, "last hour", price)

    assert (again["price"], again["replayed"]) == (800, 1)
    assert stock(db, product) == (15, 0, 0)


def test_a_sale_that_went_on_is_not_stopped_or_paused_by_a_repeat(db: Database) -> None:
    product, stop, pause = new_product(db, 10), new_key(), new_key()
    db.one("pause_sale", product, "the shop is down", pause)
    db.one("resume_sale", product, "the shop is back")
    db.one("stop_sale", product, "wrong photo", stop)
    db.one("set_sale_window", product, None, None, "right photo")

    assert db.one("pause_sale", product, "the shop is down", pause)["paused_at"] is None
    assert db.one("stop_sale", product, "wrong photo", stop)["stopped_at"] is None


def test_a_refund_that_failed_since_is_not_recorded_by_a_repeat(db: Database) -> None:
    product, payment, key = new_product(db, 1), new_payment(), new_key()
    bought = order(db, product)
    db.one("cancel_order", bought, "fraud")
    pay(db, bought, payment=payment)
    first = db.one("record_refund", payment, "re_1", key)
    pay(db, bought, "refund_failed", payment=payment)

    again = db.one("record_refund", payment, "re_1", key)

    assert (first["payment_state"], again["payment_state"], again["replayed"]) == ("settled", "due", 1)
    assert refunds_due(db, bought) == {payment: 1000}


def test_what_was_refused_left_no_key_behind(db: Database) -> None:
    product, key = new_product(db, 3), new_key()
    assert refusal(lambda: db.one("adjust_stock", product, -5, "broken", key)).slug == "stock_in_use"
    db.one("adjust_stock", product, 2, "found")

    assert db.one("adjust_stock", product, -5, "broken", key)["replayed"] == 0
    assert stock(db, product) == (0, 0, 0)


def test_keys_are_compared_byte_by_byte(db: Database) -> None:
    product, key = new_product(db, 3), new_key()
    for other in (key, key.upper(), f"{key} ", f"{key}\u00e9", f"{key}e\u0301"):
        assert db.one("adjust_stock", product, 1, "found", other)["replayed"] == 0


def test_without_a_key_each_call_counts(db: Database) -> None:
    product = new_product(db, 3)
    for _ in range(2):
        assert db.one("adjust_stock", product, 1, "found")["replayed"] == 0
    assert stock(db, product) == (5, 0, 0)


def test_keys_are_kept_for_30_days_however_few_are_asked_for(db: Database) -> None:
    product, old, new = new_product(db, 3), new_key(), new_key()
    db.travel(-31 * 86_400)
    db.one("adjust_stock", product, 1, "found", old)
    db.travel(-29 * 86_400)
    db.one("adjust_stock", product, 1, "found", new)
    db.come_back()
    db.one("purge_history", 1)

    assert [db.one("adjust_stock", product, 1, "found", key)["replayed"] for key in (old, new)] == [0, 1]
