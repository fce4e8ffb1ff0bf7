"""What the people on duty can do during a sale, and that it is written down who did it and why."""

import datetime

import pytest

from tests.support.database import Database, Row
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
    sweep,
)


def ledger(db: Database, product: int) -> list[Row]:
    """The ledger of a product, oldest first."""
    return db.query("SELECT * FROM stock_ledger WHERE product_id = %s ORDER BY happened_at", product)


def overview(db: Database, product: int | None) -> Row:
    """A product's rows of show_board and show_totals; None: those of everything together."""
    rows = [row for name in ("show_board", "show_totals") for row in db.call(name) if row["product_id"] == product]
    [now, so_far] = rows
    return now | so_far


# -- cancel_order


def test_cancelling_an_order_returns_its_units_and_keeps_who_and_why(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=3)
    order_id = order(db, product, 3, "alice")

    cancelled = db.one("cancel_order", order_id, "the customer called")

    assert (cancelled["status"], cancelled["closed_reason"], cancelled["replayed"]) == (
        "cancelled", "the customer called", 0,
    )  # fmt: skip
    assert stock(db, product) == (10, 0, 0)
    hold(db, product, 3, "alice")
    [entry] = [row for row in ledger(db, product) if row["entry"] == "cancel_order"]
    assert entry["account"].startswith("flashsale_operator@")
    assert (entry["order_id"], entry["reason"]) == (order_id, "the customer called")


def test_cancelling_again_changes_nothing(db: Database) -> None:
    product = new_product(db, 10)
    order_id = order(db, product, 3)
    db.one("cancel_order", order_id, "first")

    again = db.one("cancel_order", order_id, "second")

    assert (again["replayed"], again["closed_reason"]) == (1, "first")
    assert stock(db, product) == (10, 0, 0)


@pytest.mark.parametrize("state", ["paid", "refunded"])
def test_an_order_that_was_paid_is_not_cancelled(db: Database, state: str) -> None:
    product = new_product(db, 2)
    order_id = order(db, product)
    pay(db, order_id)
    if state == "refunded":
        pay(db, order_id, "refunded")
    before = stock(db, product)

    refused = refusal(lambda: db.one("cancel_order", order_id, "too late"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("order_not_cancellable", 31106, "45409")
    assert state in refused.detail
    assert (db.one("get_order", order_id)["status"], stock(db, product)) == (state, before)


@pytest.mark.parametrize("lapsed", ["failed", "overdue", "overdue and swept"])
def test_an_order_that_was_not_paid_is_cancelled_for_good_and_its_units_stay_on_sale(db: Database, lapsed: str) -> None:
    product = new_product(db, 3, max_per_customer=3)
    order_id = order(db, product, 3, "alice")
    if lapsed == "failed":
        pay(db, order_id, "failed")
    else:
        db.travel(901)
    if "swept" in lapsed:
        sweep(db)

    cancelled = db.one("cancel_order", order_id, "no late payment, please")

    assert (cancelled["status"], cancelled["cancelled_as"], cancelled["replayed"]) == ("cancelled", "withdrawn", 0)
    assert cancelled["closed_reason"] == "no late payment, please"
    assert stock(db, product) == (3, 0, 0)
    assert said(pay(db, order_id, payment=new_payment())) == ("refund_due", "cancelled")
    assert stock(db, product) == (3, 0, 0)
    hold(db, product, 3, "alice")


def test_an_order_of_no_price_is_cancelled_although_it_is_paid_and_its_customer_may_have_another(db: Database) -> None:
    product = new_product(db, 2, price=0, max_per_customer=1)
    order_id = order(db, product, 1, "alice")

    cancelled = db.one("cancel_order", order_id, "one each, please")

    assert (cancelled["status"], cancelled["paid_at"], cancelled["refund_due"]) == ("cancelled", None, 0)
    assert stock(db, product) == (2, 0, 0)
    assert db.one("cancel_order", order_id, "again")["replayed"] == 1
    order(db, product, 1, "alice")


def test_what_was_handed_over_for_nothing_is_not_put_on_sale_again(db: Database) -> None:
    product = new_product(db, 2, price=0)
    order_id = order(db, product)
    db.one("fulfil_order", order_id)

    assert refusal(lambda: db.one("cancel_order", order_id, "too late")).slug == "order_not_cancellable"
    assert stock(db, product) == (1, 0, 1)


def test_cancelling_what_is_no_order_says_so(db: Database) -> None:
    assert refusal(lambda: db.one("cancel_order", new_key(), "x")).slug == "order_not_found"


# -- set_sale_window


def test_the_window_is_moved_in_the_middle_of_a_sale_and_live_holds_stay_good(db: Database) -> None:
    product = new_product(db, 10)
    hold_id = hold(db, product)
    now = db.now()

    closed = db.one("set_sale_window", product, None, now, "something is wrong")

    assert closed["sale_ends_at"] == now
    assert refusal(lambda: hold(db, product)).slug == "sale_ended"
    assert db.one("create_order", hold_id, None)["status"] == "pending"
    db.one("set_sale_window", product, None, None, "all is well")
    hold(db, product)
    assert [(row["entry"], row["reason"].partition(":")[0]) for row in ledger(db, product) if row["account"]][1:] == [
        ("set_sale_window", "something is wrong"), ("set_sale_window", "all is well"),
    ]  # fmt: skip


def test_before_the_start_the_buyer_is_told_when_and_after_how_many_seconds(db: Database) -> None:
    product = new_product(db, 10)
    start = datetime.datetime(2031, 5, 4, 9)
    db.one("set_sale_window", product, start, None, "advertised")

    for early, seconds in [(3600, 3600), (1, 1), (0.25, 1), (1.5, 2)]:
        db.travel_to(start - datetime.timedelta(seconds=early))
        refused = refusal(lambda: hold(db, product))
        assert refused.slug == "sale_not_started"
        assert refused.detail == f"the sale starts at 2031-05-04T09:00:00Z; retry after {seconds} s"
    db.travel_to(start)
    hold(db, product)


def test_a_window_of_no_product_or_the_wrong_way_round_is_refused(db: Database) -> None:
    product = new_product(db, 10)
    now = db.now()

    assert refusal(lambda: db.one("set_sale_window", 2**31 - 1, None, None, "x")).slug == "product_not_found"
    assert refusal(lambda: db.one("set_sale_window", product, now, now, "x")).slug == "invalid_argument"
    assert db.one("get_product", product)["sale_starts_at"] is None


# -- extend_hold


def patient_product(db: Database, stock: int = 10, seconds: int | None = 60) -> int:
    """A product whose holds may be extended."""
    product = new_product(db, stock)
    db.one("set_limits", product, extension_seconds=seconds, reason="patience")
    return product


def test_a_hold_is_extended_once_by_what_its_product_allows(db: Database) -> None:
    product = patient_product(db)
    db.travel(1)
    hold_id = hold(db, product)
    first = db.one("get_hold", hold_id)

    longer = db.one("extend_hold", hold_id)
    again = db.one("extend_hold", hold_id)

    assert longer["expires_at"] == first["expires_at"] + datetime.timedelta(seconds=60)
    assert longer["replayed"] == 0
    assert again == {**longer, "replayed": 1}
    db.travel(150)
    assert db.one("create_order", hold_id, None)["status"] == "pending"


def test_most_products_allow_no_extension(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1))

    refused = refusal(lambda: db.one("extend_hold", hold_id))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("extension_not_allowed", 31110, "45409")


def test_only_a_live_hold_is_extended(db: Database) -> None:
    product = patient_product(db)
    released, ordered, expired = (hold(db, product) for _ in range(3))
    db.one("release_hold", released)
    db.one("create_order", ordered, None)

    assert refusal(lambda: db.one("extend_hold", released)).slug == "hold_released"
    assert refusal(lambda: db.one("extend_hold", ordered)).slug == "hold_already_used"
    assert refusal(lambda: db.one("extend_hold", new_key())).slug == "hold_not_found"
    db.travel(120)
    assert refusal(lambda: db.one("extend_hold", expired)).slug == "hold_expired"


# -- set_limits


def test_limits_begin_only_while_nothing_is_held_or_sold(db: Database) -> None:
    product = new_product(db, 10)
    hold_id = hold(db, product, 1, "alice")

    refused = refusal(lambda: db.one("set_limits", product, max_per_customer=2, reason="late"))

    assert refused.slug == "stock_in_use"
    assert db.one("get_product", product)["max_per_customer"] is None
    db.one("release_hold", hold_id)
    assert db.one("set_limits", product, max_per_customer=2, reason="in time")["max_per_customer"] == 2
    hold(db, product, 2, "alice")


def test_limits_that_are_on_change_and_end_during_the_sale(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=1)
    hold(db, product, 1, "alice")

    db.one("set_limits", product, max_per_customer=3, reason="generous")
    hold(db, product, 2, "alice")
    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_limit_reached"
    db.one("set_limits", product, reason="off")
    hold(db, product, 1, None)
    assert db.value("SELECT COUNT(*) FROM customer_units WHERE product_id = %s", product) == 0


def test_a_customer_keeps_a_share_of_the_product_unpaid_at_most(db: Database) -> None:
    product = new_product(db, 40)
    db.one("set_limits", product, max_unpaid_percent=10, reason="fair")
    first, second = hold(db, product, 2, "alice"), hold(db, product, 2, "alice")

    refused = refusal(lambda: hold(db, product, 1, "alice"))
    assert (refused.slug, refused.errno, refused.sqlstate) == ("unpaid_limit_reached", 31108, "45409")
    db.one("create_order", first, None)
    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "unpaid_limit_reached"
    pay(db, first)
    hold(db, product, 2, "alice")
    db.one("release_hold", second)
    hold(db, product, 2, "alice")
    hold(db, product, 4, "bob")
    assert refusal(lambda: hold(db, product, 1, None)).slug == "invalid_argument"


def test_one_unit_is_always_allowed_unpaid(db: Database) -> None:
    product = new_product(db, 10)
    db.one("set_limits", product, max_unpaid_percent=1, reason="strict")

    hold(db, product, 1, "alice")
    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "unpaid_limit_reached"


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("what", ["hold", "order"])
def test_who_lets_units_run_out_unpaid_has_to_pause(db: Database, swept: bool, what: str) -> None:
    product = new_product(db, 10, payment_seconds=120)
    db.one("set_limits", product, pause_seconds=60, reason="no bots")
    db.travel_to(datetime.datetime(2031, 5, 4, 9))
    hold_id = hold(db, product, 1, "alice")
    if what == "order":
        db.one("create_order", hold_id, None)

    db.travel_to(datetime.datetime(2031, 5, 4, 9, 2, 30))
    if swept:
        sweep(db)
    refused = refusal(lambda: hold(db, product, 1, "alice"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("customer_paused", 31109, "45409")
    assert refused.detail.endswith("retry after 30 s")
    hold(db, product, 1, "bob")
    db.travel_to(datetime.datetime(2031, 5, 4, 9, 3))
    hold(db, product, 1, "alice")


@pytest.mark.parametrize("swept", [True, False])
def test_who_pays_an_overdue_order_late_has_to_pause_swept_or_not(db: Database, swept: bool) -> None:
    product = new_product(db, 10, payment_seconds=120)
    db.one("set_limits", product, pause_seconds=60, reason="no bots")
    db.travel_to(datetime.datetime(2031, 5, 4, 9))
    order_id = order(db, product, 1, "alice")
    db.travel_to(datetime.datetime(2031, 5, 4, 9, 2, 30))
    if swept:
        sweep(db)
    assert pay(db, order_id)["order_status"] == "paid"

    assert refusal(lambda: hold(db, product, 1, "alice")).detail.endswith("retry after 30 s")
    db.travel_to(datetime.datetime(2031, 5, 4, 9, 3))
    hold(db, product, 1, "alice")


def test_limits_do_not_begin_while_units_that_were_handed_over_are_sold_refunded_or_not(db: Database) -> None:
    product = new_product(db, 3)
    order_id = order(db, product, 1, "alice")
    pay(db, order_id)
    db.one("fulfil_order", order_id)
    pay(db, order_id, "refunded")

    assert refusal(lambda: db.one("set_limits", product, max_per_customer=1, reason="late")).slug == "stock_in_use"


# -- set_price


def test_a_price_is_changed_with_a_reason_and_both_prices_are_kept(db: Database) -> None:
    product = new_product(db, 10, price=1000)

    assert db.one("set_price", product, 1500, "demand")["price"] == 1500
    assert db.one("set_price", product, "0", "the rest is free")["price"] == 0

    kept = [row for row in ledger(db, product) if row["entry"] == "set_price"]
    assert sorted(row["reason"] for row in kept) == ["demand: from 1000 to 1500", "the rest is free: from 1500 to 0"]
    assert all(row["account"].startswith("flashsale_operator@") for row in kept)


@pytest.mark.parametrize("limits", [None, 5])
def test_a_price_is_that_of_the_next_hold_and_of_no_earlier_one(db: Database, limits: int | None) -> None:
    product, key = new_product(db, 10, price=1000, max_per_customer=limits), new_key()
    before = hold(db, product, 2, "alice", key)

    db.one("set_price", product, 1500, "demand")

    assert db.one("create_hold", product, 2, "alice", key)["unit_price"] == 1000
    assert db.one("create_hold", product, 2, "alice", new_key())["unit_price"] == 1500
    made = db.one("create_order", before, None)
    assert (made["unit_price"], made["amount"]) == (1000, 2000)
    [mine] = db.query("SELECT amount FROM purchases WHERE id = %s", before)
    assert mine["amount"] == 2000


@pytest.mark.parametrize("price", [None, "", "99.00", 0.5, -1, 1_000_000_000_001])
def test_a_price_that_is_no_price_is_refused_and_the_old_one_stays(db: Database, price: object) -> None:
    product = new_product(db, 10, price=1000)

    refused = refusal(lambda: db.one("set_price", product, price, "demand"))

    assert refused.slug == "invalid_argument"
    assert refused.detail == "price must be a whole number from 0 to 1000000000000"
    assert db.one("get_product", product)["price"] == 1000
    assert refusal(lambda: db.one("set_price", 2**31 - 1, 1, "demand")).slug == "product_not_found"


# -- figures


def test_the_units_of_the_ledger_add_up_to_those_that_are_free(db: Database) -> None:
    product = new_product(db, 30, max_per_customer=20)
    pay(db, order(db, product, 2, "alice"))
    paid = order(db, product, 1, "alice")
    pay(db, paid)
    pay(db, paid, "refunded")
    pay(db, order(db, product, 3, "alice"), "failed")
    gone = order(db, product, 1, "erin")
    pay(db, gone)
    db.one("fulfil_order", gone)
    pay(db, gone, "refunded")
    db.one("cancel_pending_order", order(db, product, 2, "erin"))
    db.one("release_hold", hold(db, product, 4, "bob"))
    hold(db, product, 5, "bob")
    db.one("cancel_order", order(db, product, 6, "carol"), "no")
    db.one("adjust_stock", product, -7, "damaged")
    due = lapsed_order(db, product, 1, "dora")
    db.one("adjust_stock", product, -stock(db, product)[0], "lost")
    pay(db, due, payment=new_payment())
    db.one("adjust_stock", product, 4, "found")

    rows = ledger(db, product)

    assert sum(row["units"] for row in rows) == stock(db, product)[0] == 4
    assert all(
        row["account"] and row["reason"] for row in rows if row["entry"] in {"added", "withdrawn", "cancel_order"}
    )


def test_the_overview_shows_where_units_orders_and_money_are(db: Database) -> None:
    product = new_product(db, 30)
    handed_over = order(db, product, 2)
    pay(db, handed_over)
    db.one("fulfil_order", handed_over)
    part = order(db, product, 1)
    pay(db, part)
    pay(db, part, "refunded", 400, "EUR")
    order(db, product, 3)
    pay(db, order(db, product, 4), "failed")
    pay(db, hold(db, product, 5))
    pay(db, order(db, product, 1), "succeeded", 7, "EUR")

    row = overview(db, product)

    expected = {
        "sale": "open", "stock_total": 30, "available": 18, "held": 5, "sold": 7, "live_holds": 1,
        "orders_pending": 2, "orders_paid": 2, "orders_fulfilled": 1, "orders_cancelled": 1, "orders_refunded": 0,
        "takings": 2600, "currency": "EUR",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    [shown] = [each for each in db.call("sale_overview") if each["id"] == product]
    assert (shown["sale"], shown["free"], shown["held"], shown["sold"]) == ("open", 18, 5, 7)
    assert (shown["takings"], shown["attention"]) == ("2600 EUR", "1 wait, 1 due")
    assert [each["amount_due"] for each in db.call("list_refunds_due") if each["product_id"] == product] == [7]
    together = overview(db, None)
    assert db.call("sale_overview")[-1]["free"] == together["available"]
    assert together["stock_total"] == db.value("SELECT SUM(stock_total) FROM products WHERE archived_at IS NULL")


def test_the_overview_says_whether_a_sale_is_open(db: Database) -> None:
    product = new_product(db, 1)
    now = db.now()

    def says() -> str:
        return str(overview(db, product)["sale"])

    assert says() == "open"
    hold(db, product)
    assert says() == "sold_out"
    db.one("set_sale_window", product, now + datetime.timedelta(hours=1), None, "later")
    assert says() == "upcoming"
    db.one("set_sale_window", product, None, now, "over")
    assert says() == "ended"
