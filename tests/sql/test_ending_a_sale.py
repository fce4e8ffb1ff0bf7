"""Ending a sale for good or for a while: stop_sale, set_sale_window that opens it again, archive_product."""

from collections.abc import Callable

import pytest

from tests.support.database import Database, Row
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


def listed(db: Database, product: int) -> set[str]:
    """Which of the lists show a product."""
    lists: dict[str, tuple[object, ...]] = {
        "list_products": (None, product - 1, 1), "sale_overview": (), "show_board": (), "show_totals": ()
    }  # fmt: skip
    return {
        name
        for name, arguments in lists.items()
        if product in {row.get("product_id", row.get("id")) for row in db.call(name, *arguments)}
    }


def actions(db: Database, product: int, entry: str) -> list[Row]:
    """What the ledger keeps of an operator's action."""
    return db.query(
        "SELECT account, reason FROM stock_ledger WHERE product_id = %s AND entry = %s ORDER BY happened_at",
        product, entry,
    )  # fmt: skip


# -- stop_sale


def test_a_sale_that_is_stopped_ends_every_hold_live_expired_or_paid_and_frees_its_units(db: Database) -> None:
    product = new_product(db, 10, stripes=4, hold_seconds=60)
    db.travel(1)
    expired = hold(db, product, 1)
    db.travel(120)
    live, paid = hold(db, product, 2), hold(db, product, 3)
    pay(db, paid)

    stopped = db.one("stop_sale", product, "wrong photo")

    assert (stopped["available"], stopped["held"], stopped["sold"], stopped["stopped_at"]) == (10, 0, 0, db.now())
    ended = db.query("SELECT hold_uuid, ended_as FROM hold_history WHERE product_id = %s", product)
    ends = {row["hold_uuid"]: row["ended_as"] for row in ended}
    assert ends == {expired: "expired", live: "stopped", paid: "stopped"}
    [kept] = actions(db, product, "stop_sale")
    assert kept["reason"] == "wrong photo: holds ended: 3"
    assert kept["account"].startswith("flashsale_operator@")


def test_a_repeat_of_the_request_for_a_hold_says_that_the_sale_was_stopped(db: Database) -> None:
    product, key = new_product(db, 10), new_key()
    hold_id = hold(db, product, 1, key=key)
    db.one("stop_sale", product, "wrong photo")

    again = db.one("create_hold", product, 1, None, key)

    assert (again["hold_id"], again["status"], again["replayed"]) == (hold_id, "stopped", 1)
    assert again["expires_in_ms"] is None
    for procedure, more in [("get_hold", []), ("release_hold", []), ("extend_hold", []), ("create_order", [None])]:
        refused = refusal(lambda p=procedure, m=more: db.one(p, hold_id, *m))
        assert (refused.slug, refused.detail) == ("hold_released", "the sale was stopped, and this hold with it")


def test_customers_have_their_allowance_again_when_the_sale_goes_on_and_need_not_pause(db: Database) -> None:
    product = new_product(db, 10)
    db.one("set_limits", product, max_per_customer=2, pause_seconds=3600, reason="two a customer")
    hold(db, product, 2, "alice")
    db.one("stop_sale", product, "wrong photo")
    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "sale_ended"

    reopened = db.one("set_sale_window", product, None, None, "the right photo")

    assert reopened["stopped_at"] is None
    hold(db, product, 2, "alice")


def test_a_sale_is_stopped_once_and_keeps_its_moment_and_every_reason(db: Database) -> None:
    product = new_product(db, 10)
    first = db.one("stop_sale", product, "wrong photo")
    db.travel(60)

    again = db.one("stop_sale", product, "wrong price, too")

    assert again == first
    assert [row["reason"].partition(":")[0] for row in actions(db, product, "stop_sale")] == [
        "wrong photo", "wrong price, too",
    ]  # fmt: skip


def test_a_sale_is_stopped_before_it_starts_and_says_that_it_has_ended(db: Database) -> None:
    product = new_product(db, 10)
    db.one("set_sale_window", product, "2031-05-04 09:00:00", None, "advertised")

    db.one("stop_sale", product, "cancelled")

    refused = refusal(lambda: hold(db, product))
    assert (refused.slug, refused.detail.startswith("the sale was stopped at ")) == ("sale_ended", True)
    [row] = [row for row in db.call("sale_overview") if row["id"] == product]
    assert row["sale"] == "ended"


def test_a_payment_for_a_hold_that_the_stop_ended_is_due(db: Database) -> None:
    pi_1, pi_2 = new_payment(), new_payment()
    product = new_product(db, 10)
    before, after = hold(db, product), hold(db, product)
    pay(db, before, payment=pi_1)
    db.one("stop_sale", product, "wrong photo")
    sweep(db)

    assert said(pay(db, after, payment=pi_2)) == ("refund_due", None)
    assert refunds_due(db, before) == {pi_1: 1000}
    assert refunds_due(db, after) == {pi_2: 1000}


def test_a_product_that_nobody_knows_is_neither_stopped_nor_archived(db: Database) -> None:
    for procedure in ("stop_sale", "archive_product"):
        refused = refusal(lambda p=procedure: db.one(p, 2**31 - 1, "season over"))
        assert (refused.slug, refused.sqlstate) == ("product_not_found", "45404")


# -- archive_product


def test_an_archived_product_is_on_no_list_and_everything_of_it_is_still_there(db: Database) -> None:
    product = new_product(db, 10)
    order_id = order(db, product, 2)
    pay(db, order_id, payment=(pi_1 := new_payment()))
    before = listed(db, product)

    archived = db.one("archive_product", product, "season over")

    assert before == {"list_products", "sale_overview", "show_board", "show_totals"}
    assert listed(db, product) == set()
    assert archived["archived_at"] == archived["stopped_at"] is not None
    assert db.one("get_product", product) == archived
    assert (archived["available"], archived["sold"]) == (8, 2)
    assert refusal(lambda: hold(db, product)).slug == "sale_ended"
    assert db.one("fulfil_order", order_id)["status"] == "paid"
    assert said(pay(db, order_id, "refunded", payment=pi_1)) == ("applied", "refunded")
    assert [row["reason"] for row in actions(db, product, "archive_product")] == ["season over"]


@pytest.mark.parametrize("what", ["hold", "expired hold", "paid hold", "pending order", "overdue order"])
def test_a_product_of_which_something_is_held_or_unpaid_is_not_archived(
    db: Database, connect_as: Callable[..., Database], what: str
) -> None:
    product, admin = new_product(db, 10), connect_as("admin")
    assert admin.value("SELECT GET_LOCK(LEFT(CONCAT('sweep.', DATABASE()), 64), 10)") == 1  # no sweep meanwhile
    hold_id = hold(db, product)
    if "order" in what:
        db.one("create_order", hold_id, None)
    if what == "paid hold":
        pay(db, hold_id)
    if what in ("expired hold", "overdue order"):
        db.travel(901)

    refused = refusal(lambda: db.one("archive_product", product, "season over"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("stock_in_use", 31107, "45409")
    assert db.one("get_product", product)["archived_at"] is None
    assert "list_products" in listed(db, product)
    db.one("stop_sale", product, "season over")
    if "order" in what:
        db.one("cancel_order", hold_id, "season over")
    assert db.one("archive_product", product, "season over")["archived_at"] is not None
    assert stock(db, product) == (10, 0, 0)
    admin.query("DO RELEASE_ALL_LOCKS()")


def test_an_archived_product_comes_back_with_a_new_window(db: Database) -> None:
    product = new_product(db, 10)
    db.one("archive_product", product, "season over")

    back = db.one("set_sale_window", product, None, None, "next season")

    assert (back["archived_at"], back["stopped_at"]) == (None, None)
    assert "list_products" in listed(db, product)
    hold(db, product)


def test_archiving_again_changes_no_moment(db: Database) -> None:
    product = new_product(db, 10)
    db.one("stop_sale", product, "season over")
    db.travel(60)
    first = db.one("archive_product", product, "season over")
    db.travel(120)

    assert db.one("archive_product", product, "once more") == first
    assert first["stopped_at"] < first["archived_at"]
