"""The numbers to scrape are those of the tables, and the live ones cost the same whatever has happened before."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.numbers import Number, numbers
from tests.support.rows_read import rows_read
from tests.support.sale import go_on_sweeping, hold, new_key, new_product, order, pay, stop_sweeping, sweep

Connect = Callable[..., Database]


def of_product(db: Database, product: int, *, live: bool = False) -> dict[str, float]:
    """The numbers of one product, as 'metric state'."""
    found = numbers(db, live=live)
    return {f"{metric} {state or ''}".strip(): value for (metric, of, state), value in found.items() if of == product}


def risen(before: dict[Number, float], after: dict[Number, float], *metrics: str) -> dict[str, float]:
    """By how much numbers rose, as 'metric state'; those that did not are left out."""
    rise = {number: value - before.get(number, 0) for number, value in after.items() if number[0] in metrics}
    return {f"{metric} {state}": by for (metric, _, state), by in rise.items() if by}


def test_a_product_shows_with_its_stock_holds_and_orders(db: Database) -> None:
    product = new_product(db, 100)
    hold(db, product, 2)
    hold(db, product, 3)
    order(db, product, 4)
    paid = order(db, product, 5)
    pay(db, paid, amount=5000, currency="EUR")
    pay(db, order(db, product, 6), "failed")
    refunded = order(db, product, 7)
    pay(db, refunded, amount=7000, currency="EUR")
    pay(db, refunded, "refunded", amount=7000, currency="EUR")

    live = {
        "stock_units available": 86, "stock_units held": 5, "stock_units sold": 9, "holds": 2, "orders pending": 1,
        "orders_overdue": 0, "sale_paused": 0,
    }  # fmt: skip
    assert of_product(db, product, live=True) == live
    assert of_product(db, product) == live | {"orders paid": 1, "orders cancelled": 1, "orders refunded": 1}


def test_what_expired_is_available_and_no_live_hold_before_any_sweep(db: Database) -> None:
    product = new_product(db, 10, hold_seconds=3600, payment_seconds=3600)
    hold(db, product, 3)
    order(db, product, 2)

    db.travel(2 * 3600)
    later = of_product(db, product)
    db.come_back()

    assert (later["stock_units available"], later["stock_units held"], later["stock_units sold"]) == (10, 0, 0)
    assert (later["holds"], later["orders pending"], later["orders_overdue"]) == (0, 1, 1)


def test_payment_events_are_counted_by_outcome(db: Database) -> None:
    before = numbers(db)
    product = new_product(db, 10)
    bought = order(db, product)
    pay(db, bought, amount=999, currency="EUR")
    pay(db, bought, amount=1000, currency="EUR")
    pay(db, bought, "failed")
    pay(db, new_key(), amount=1, currency="EUR")
    db.call("count_refused_webhook", "invalid_signature")
    after = numbers(db)

    assert risen(before, after, "webhooks", "webhooks_refused") == {
        "webhooks amount_mismatch": 1, "webhooks applied": 1, "webhooks ignored": 1, "webhooks parked": 1,
        "webhooks_refused invalid_signature": 1,
    }  # fmt: skip


def test_every_outcome_and_every_state_has_its_number(db: Database) -> None:
    new_product(db, 1)
    states = {(metric, state) for metric, _, state in numbers(db)}

    for metric, table, column in (
        ("orders", "orders", "status"), ("payments", "payments", "state"), ("disputes", "payments", "dispute"),
        ("webhooks", "payment_webhooks", "outcome"), ("webhooks_refused", "webhook_refusals", "reason"),
    ):  # fmt: skip
        kind = db.value(
            "SELECT column_type FROM information_schema.columns"
            " WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s", table, column,
        )  # fmt: skip
        kind = kind.decode() if isinstance(kind, bytes) else kind
        possible = set(kind.removeprefix("enum('").removesuffix("')").split("','"))
        assert {state for of, state in states if of == metric} == possible


def test_payments_are_counted_by_state_and_disputes_by_how_they_stand(db: Database) -> None:
    before = numbers(db)
    product = new_product(db, 10)
    paid = order(db, product)
    pay(db, paid, payment="paying " + paid)
    pay(db, paid, payment="due " + paid)
    pay(db, paid, "failed", payment="failed " + paid)
    pay(db, paid, "declined", payment="open " + paid)
    pay(db, hold(db, product))
    returned = order(db, product)
    pay(db, returned)
    pay(db, returned, "refunded")
    for payment, ends in (("paying", ()), ("due", ("dispute_won",)), ("failed", ("dispute_lost",))):
        for status in ("dispute_opened", *ends):
            pay(db, paid, status, payment=f"{payment} {paid}")

    assert risen(before, numbers(db), "payments", "disputes") == {
        "payments paying": 1, "payments due": 1, "payments failed": 1, "payments open": 1, "payments waiting": 1,
        "payments settled": 1, "disputes opened": 1, "disputes won": 1, "disputes lost": 1,
    }  # fmt: skip


def test_money_that_has_to_go_back_shows_at_once_by_currency_until_it_went_back(db: Database) -> None:
    def due() -> dict[str | None, float]:
        return {state: value for (metric, _, state), value in numbers(db, live=True).items()
                if metric == "money_due_minor"}  # fmt: skip

    bought = order(db, new_product(db, 10))
    before = due()
    pay(db, bought, amount=700, currency="EUR", payment="less " + bought)
    pay(db, bought, amount=1000, currency="XTS", payment="other " + bought)
    pay(db, bought, amount=1000, currency="EUR", payment="right " + bought)
    pay(db, bought, "refunded", amount=200, currency="EUR", payment="less " + bought)

    assert due() == before | {"EUR": before.get("EUR", 0) + 500, "XTS": before.get("XTS", 0) + 1000}
    pay(db, bought, "refunded", payment="other " + bought)
    pay(db, bought, "refunded", payment="less " + bought)
    assert due() == before


@pytest.mark.parametrize("ends", ["due", "waiting"])
def test_the_oldest_payment_tells_since_when_it_is_due_or_waits(db: Database, ends: str) -> None:
    def oldest() -> float:
        return numbers(db, live=True)[f"oldest_payment_{ends}_seconds", None, None]

    product = new_product(db, 10, hold_seconds=86_400)
    about = order(db, product) if ends == "due" else hold(db, product)
    before = oldest()
    db.travel(-50_000)
    pay(db, about, amount=1, currency="EUR", payment="wrong " + about)
    db.come_back()

    assert 49_990 < oldest() < 50_100
    pay(db, about, "refunded", payment="wrong " + about)
    if ends == "waiting":
        db.one("release_hold", about)
        sweep(db)
    assert oldest() < before + 100


def test_a_violation_shows_as_one(connect_as: Connect, db: Database) -> None:
    admin, product = connect_as("admin"), new_product(db, 10, stripes=1)
    assert numbers(db)["invariant_violations", None, None] == 0
    admin.query("UPDATE stock_stripes SET available = 9 WHERE product_id = %s", product)
    try:
        assert numbers(db)["invariant_violations", None, None] == 1
    finally:
        admin.query("UPDATE stock_stripes SET available = 10 WHERE product_id = %s", product)


@pytest.mark.parametrize("stop", ["DISABLE", "OFF"])
def test_a_sweep_that_stands_still_shows(connect_as: Connect, db: Database, stop: str) -> None:
    admin = connect_as("admin")
    admin.query("DELETE FROM sweep_heartbeat WHERE started_at > UTC_TIMESTAMP(6)")  # of tests that swept in the future
    sweep(db)
    assert numbers(db)["scheduler_on", None, None] == 1
    stop_sweeping(admin, stop)
    try:
        assert numbers(db, live=True)["scheduler_on", None, None] == 0
        db.travel(1000)
        assert 990 < numbers(db, live=True)["sweep_age_seconds", None, None] < 1010
        db.come_back()
    finally:
        go_on_sweeping(admin)


def test_the_lag_is_how_long_the_oldest_expired_unit_has_been_waiting(connect_as: Connect, db: Database) -> None:
    admin = connect_as("admin")
    stop_sweeping(admin, "DISABLE")
    try:
        hold(db, new_product(db, 1, hold_seconds=60))
        lags = []
        for seconds in (1000, 1500):  # other tests may have left something that has been waiting for longer
            db.travel(seconds)
            lags.append(numbers(db, live=True)["sweep_lag_seconds", None, None])
        db.come_back()
    finally:
        go_on_sweeping(admin)

    assert lags[0] > 900
    assert 490 < lags[1] - lags[0] < 510


@pytest.mark.parametrize("who", ["a buyer whose shop does not order", "a stranger"])
def test_the_lag_counts_payments_whose_order_nobody_makes(connect_as: Connect, db: Database, who: str) -> None:
    admin = connect_as("admin")
    stop_sweeping(admin, "DISABLE")
    try:
        db.travel(200_000)
        sweep(db)  # nothing else is late there
        about = new_key() if who == "a stranger" else hold(db, new_product(db, 1, payment_seconds=900))
        lags = []
        pay(db, about, amount=1000, currency="EUR")
        for seconds in (800, 1000):  # for both of them a quarter of an hour is the end
            db.travel(200_000 + seconds)
            lags.append(numbers(db, live=True)["sweep_lag_seconds", None, None])
        sweep(db)
        after = numbers(db, live=True)["sweep_lag_seconds", None, None]
        db.come_back()
    finally:
        go_on_sweeping(admin)

    assert (lags[0], after) == (0, 0)
    assert 90 < lags[1] < 110


def test_the_live_numbers_read_no_more_rows_after_a_long_history(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    product, admin = new_product(db, 1000), connect_as("admin")

    def read() -> int:
        admin.call("show_board")
        return rows_read(admin, lambda: admin.call("show_board"))

    few = read()
    for _ in range(60):
        bought = order(db, product)
        pay(db, bought, amount=1000, currency="EUR")
        pay(db, bought, "refunded", amount=1000, currency="EUR")
    for _ in range(60):
        pay(db, order(db, product), "failed")
    for _ in range(60):
        pay(db, order(db, product), amount=1000, currency="EUR")

    assert read() < few + 60
