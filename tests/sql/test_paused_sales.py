"""While a sale is paused nothing new is held and nothing runs out; then all of it has as much time left as before."""

import datetime
import json

import pytest

from tests.support.database import Database
from tests.support.hold_sets import answers, hold_set, wish
from tests.support.numbers import numbers
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

HOUR = 3600


def pause(db: Database, product: int, seconds: float = 0) -> datetime.datetime:
    """Pause a sale, now, and let this much of it pass; when it was paused."""
    moment: datetime.datetime = db.one("pause_sale", product, "the shop is down")["paused_at"]
    db.travel_to(moment + datetime.timedelta(seconds=seconds))
    return moment


def resume(db: Database, product: int) -> None:
    """Go on with a sale."""
    assert db.one("resume_sale", product, "the shop is back")["paused_at"] is None


def test_in_a_pause_nothing_new_is_held_alone_or_in_a_set_and_it_is_said_why(db: Database) -> None:
    product = new_product(db, 5)
    hold(db, product)
    pause(db, product)

    refused = refusal(lambda: hold(db, product))
    [row, *_] = rows = hold_set(db, [wish(product), wish(product)])

    assert (refused.slug, refused.errno, refused.sqlstate) == ("sale_paused", 31116, "45409")
    assert answers(rows) == ["sale_paused"] * 2
    assert (row["errno"], row["message"]) == (31116, f"{refused.slug}: {refused.detail}")
    assert stock(db, product) == (4, 1, 0)
    [shown] = [each for each in db.call("sale_overview") if each["id"] == product]
    assert shown["sale"] == "paused"
    resume(db, product)
    assert answers(hold_set(db, [wish(product), wish(product)])) == ["done"] * 2


@pytest.mark.parametrize("sweeps", [True, False])
def test_what_is_live_does_not_run_out_in_a_pause_and_has_as_much_time_left_afterwards(
    db: Database, sweeps: bool
) -> None:
    product = new_product(db, 5, hold_seconds=100, payment_seconds=200)
    db.travel_to(db.now())
    held, pending = hold(db, product), order(db, product)
    db.travel_to(db.now() + datetime.timedelta(seconds=40))
    pause(db, product, HOUR)
    if sweeps:
        sweep(db)

    assert (db.one("get_hold", held)["expires_in_ms"], db.one("get_order", pending)["pay_in_ms"]) == (60_000, 160_000)
    assert stock(db, product) == (3, 1, 1)
    resume(db, product)
    now = db.now()

    for seconds, live in ((59.999999, True), (60, False)):
        db.travel_to(now + datetime.timedelta(seconds=seconds))
        assert (stock(db, product)[1] == 1) == live
    assert refusal(lambda: db.one("create_order", held, None)).slug == "hold_expired"
    for seconds, sold in ((159.999999, 1), (160, 0)):
        db.travel_to(now + datetime.timedelta(seconds=seconds))
        assert stock(db, product)[2] == sold


def test_a_hold_is_ordered_given_back_and_paid_in_a_pause(db: Database) -> None:
    product = new_product(db, 9, hold_seconds=100, payment_seconds=200, max_per_customer=9)
    db.travel_to(db.now())
    to_order, to_release, to_pay, to_pay_late = (hold(db, product, 1, name) for name in "abcd")
    bought = order(db, product, 1, "e")
    pause(db, product, HOUR)

    ordered = db.one("create_order", to_order, None)
    released = db.one("release_hold", to_release)
    pay(db, to_pay)
    pay(db, bought)

    assert (ordered["pay_in_ms"], ordered["pay_by"]) == (200_000, db.now() + datetime.timedelta(seconds=200))
    assert released["status"] == "released"
    sweep(db)
    assert db.one("get_hold", to_pay)["expires_in_ms"] == 200_000
    db.travel_to(db.now() + datetime.timedelta(seconds=HOUR))
    resume(db, product)
    assert db.one("get_order", to_order)["pay_in_ms"] == 200_000
    assert db.one("get_hold", to_pay)["expires_in_ms"] == 200_000
    assert db.one("get_hold", to_pay_late)["expires_in_ms"] == 100_000
    assert db.one("get_order", bought)["pay_by"] < db.now() + datetime.timedelta(seconds=201)
    db.travel_to(db.now() + datetime.timedelta(seconds=200))
    sweep(db)
    assert db.one("get_order", to_pay)["status"] == "paid"
    assert stock(db, product) == (7, 0, 2)


def test_what_is_said_of_a_set_of_orders_in_a_pause_is_what_get_order_says(db: Database) -> None:
    product = new_product(db, 9)
    db.travel_to(db.now())
    holds = [hold(db, product), hold(db, product)]
    pause(db, product, 100)

    rows = db.call("create_orders", json.dumps([{"hold_id": each} for each in holds]))
    db.travel_to(db.now() + datetime.timedelta(seconds=HOUR))

    for row in rows:
        row["pay_by"] += datetime.timedelta(seconds=HOUR)
        assert {name: row[name] for name in list(row)[5:]} == db.one("get_order", row["order_id"])
    assert [row["due_at"] for row in db.call("find_purchases", holds[0])] == [rows[0]["pay_by"]]


def test_a_refund_in_or_after_a_pause_gives_a_paid_hold_the_time_back_that_it_had(db: Database) -> None:
    product = new_product(db, 9, hold_seconds=100)
    db.travel_to(db.now())
    holds, payments = [hold(db, product) for _ in range(2)], [new_payment() for _ in range(2)]
    for held, payment in zip(holds, payments, strict=True):
        pay(db, held, payment=payment)
    db.travel_to(db.now() + datetime.timedelta(seconds=40))
    pause(db, product, HOUR)

    pay(db, holds[0], "refunded", payment=payments[0])
    assert db.one("get_hold", holds[0])["expires_in_ms"] == 60_000
    resume(db, product)
    pay(db, holds[1], "refunded", payment=payments[1])

    assert [db.one("get_hold", held)["expires_in_ms"] for held in holds] == [60_000, 60_000]


def test_what_had_run_out_before_the_pause_is_not_revived(db: Database) -> None:
    product = new_product(db, 3, hold_seconds=100)
    db.travel_to(db.now() - datetime.timedelta(seconds=200))
    held = hold(db, product)
    paid, payment = hold(db, product), new_payment()
    pay(db, paid, payment=payment)
    db.travel_to(db.now() + datetime.timedelta(seconds=100))
    pause(db, product, 50)

    assert refusal(lambda: db.one("create_order", held, None)).slug == "hold_expired"
    pay(db, paid, "refunded", payment=payment)
    assert refusal(lambda: db.one("get_hold", paid)).slug == "hold_expired"
    resume(db, product)
    assert refusal(lambda: db.one("get_hold", paid)).slug == "hold_expired"
    assert stock(db, product) == (3, 0, 0)
    db.come_back()
    sweep(db)


def test_pausing_and_resuming_again_changes_nothing(db: Database) -> None:
    product = new_product(db, 3)
    db.travel_to(db.now())
    held = hold(db, product)
    first = pause(db, product, 100)
    assert pause(db, product, 200) == first
    resume(db, product)
    resume(db, product)
    assert db.one("get_hold", held)["expires_in_ms"] == 120_000
    entries = [row["entry"] for row in db.call("list_ledger", product, None, 100)]
    assert (entries.count("pause_sale"), entries.count("resume_sale")) == (1, 1)


def test_two_pauses_add_up(db: Database) -> None:
    product, payment = new_product(db, 3), new_payment()
    db.travel_to(db.now())
    held, paid = hold(db, product), hold(db, product)
    pay(db, paid, payment=payment)
    for _ in range(2):
        db.travel_to(db.now() + datetime.timedelta(seconds=10))
        pause(db, product, 100)
        resume(db, product)
    pay(db, paid, "refunded", payment=payment)
    assert [db.one("get_hold", each)["expires_in_ms"] for each in (held, paid)] == [100_000] * 2


def test_a_sale_that_is_stopped_in_a_pause_stays_paused_so_that_its_orders_can_be_paid_when_the_shop_is_back(
    db: Database,
) -> None:
    product, payment = new_product(db, 3, hold_seconds=100), new_payment()
    db.travel_to(db.now())
    late, held, pending = hold(db, product), hold(db, product), order(db, product)
    pay(db, held, payment=payment)
    db.travel_to(db.now() + datetime.timedelta(seconds=90))
    paused_at = pause(db, product, HOUR)

    stopped = db.one("stop_sale", product, "over")

    assert (stopped["paused_at"], stopped["held"], stopped["sold"]) == (paused_at, 0, 1)
    assert refusal(lambda: db.one("get_hold", late)).slug == "hold_released"
    assert refusal(lambda: hold(db, product)).slug == "sale_ended"
    assert db.one("get_order", pending)["pay_in_ms"] == 810_000
    sweep(db)
    assert refunds_due(db, held) == {payment: 1000}
    resume(db, product)
    assert db.one("get_order", pending)["pay_in_ms"] == 810_000


def test_an_event_of_a_payment_in_a_pause_pays_as_ever(db: Database) -> None:
    product = new_product(db, 3)
    pending = order(db, product)
    db.travel_to(db.now())
    pause(db, product, 24 * HOUR)
    events = [{"idempotency_key": new_key(), "order_id": pending, "status": "succeeded"}]
    [row] = db.call("receive_payment_webhooks", json.dumps(events))
    assert (row["answer"], row["order_status"]) == ("done", "paid")
    resume(db, product)
    assert db.one("get_order", pending)["status"] == "paid"


@pytest.mark.parametrize("early", [0, 1])
def test_what_ends_at_the_very_instant_of_the_pause_has_ended_and_a_microsecond_later_it_has_not(
    db: Database, early: int
) -> None:
    product = new_product(db, 3, hold_seconds=100, payment_seconds=100)
    db.travel_to(db.now())
    held, pending = hold(db, product), order(db, product)
    db.travel_to(db.now() + datetime.timedelta(seconds=100, microseconds=-early))
    pause(db, product, HOUR)

    assert stock(db, product) == ((1, 1, 1) if early else (3, 0, 0))
    sweep(db)
    resume(db, product)

    assert stock(db, product) == ((1, 1, 1) if early else (3, 0, 0))
    if early:
        assert (db.one("get_hold", held)["expires_in_ms"], db.one("get_order", pending)["pay_in_ms"]) == (0, 0)
    else:
        assert db.one("get_order", pending)["closed_reason"] == "overdue: not paid in time"


def test_a_pause_keeps_no_sweep_busy_and_looks_like_no_fault(db: Database) -> None:
    product = new_product(db, 3, hold_seconds=100, payment_seconds=100)
    db.travel_to(db.now())
    hold(db, product)
    order(db, product)
    pay(db, hold(db, product), payment=new_payment())
    pause(db, product, 24 * HOUR)

    sweep(db)  # what others left
    swept = sweep(db)

    assert (swept["holds_expired"], swept["orders_expired"], swept["orders_made"], swept["lag_seconds"]) == (0, 0, 0, 0)
    [row] = [row for row in db.call("show_board") if row["product_id"] == product]
    assert (row["sale"], row["live_holds"], row["orders_pending"], row["orders_overdue"]) == ("paused", 2, 1, 0)
    assert (row["expiring_within_10_s"], row["available"], row["held"], row["sold"]) == (0, 0, 2, 1)
    assert numbers(db, live=True)["sale_paused", product, None] == 1
    resume(db, product)


def test_units_that_do_not_run_out_in_a_pause_are_nobody_elses(db: Database) -> None:
    product = new_product(db, 2, hold_seconds=100)
    db.travel_to(db.now())
    lapsed = lapsed_order(db, product, 2)
    held = hold(db, product, 2)
    pause(db, product, HOUR)

    assert refusal(lambda: db.one("adjust_stock", product, -1, "broken")).slug == "stock_in_use"
    assert said(pay(db, lapsed, payment=new_payment())) == ("refund_due", "cancelled")
    assert stock(db, product) == (0, 2, 0)
    assert db.one("create_order", held, None)["status"] == "pending"


def test_a_hold_is_extended_and_given_back_in_a_pause_after_its_time(db: Database) -> None:
    product = new_product(db, 2, hold_seconds=100)
    db.one("set_limits", product, extension_seconds=50, reason="patience")
    db.travel_to(db.now())
    held, released = hold(db, product), hold(db, product)
    db.travel_to(db.now() + datetime.timedelta(seconds=90))
    pause(db, product, HOUR)

    assert db.one("extend_hold", held)["expires_in_ms"] == 60_000
    given_back = db.one("release_hold", released)

    assert (given_back["status"], given_back["replayed"]) == ("released", 0)
    assert given_back["expires_at"] == given_back["ended_at"] + datetime.timedelta(seconds=10)
    resume(db, product)
    assert db.one("get_hold", held)["expires_in_ms"] == 60_000


def test_who_lets_units_go_in_a_pause_waits_from_then_on_and_who_pays_in_it_does_not(db: Database) -> None:
    product = new_product(db, 9, hold_seconds=100, payment_seconds=100)
    db.one("set_limits", product, pause_seconds=60, reason="fair")
    db.travel_to(db.now())
    held, paid, cancelled, withdrawn = hold(db, product, 1, "ada"), *(order(db, product, 1, name) for name in "bcd")
    set_paid = order(db, product, 1, "e")
    pause(db, product, HOUR)
    db.one("release_hold", held)
    pay(db, paid)
    db.call("receive_payment_webhooks", json.dumps([
        {"idempotency_key": new_key(), "order_id": set_paid, "status": "succeeded"}
    ]))  # fmt: skip
    db.one("cancel_pending_order", cancelled)
    db.one("cancel_order", withdrawn, "the shop is down")
    resume(db, product)

    for customer in ("ada", "c"):
        refused = refusal(lambda customer=customer: hold(db, product, 1, customer))  # type: ignore[misc]
        assert (refused.slug, refused.detail) == (
            "customer_paused", "units of this customer ran out unpaid; retry after 60 s"
        )  # fmt: skip
    for customer in ("b", "d", "e"):
        hold(db, product, 1, customer)


def test_a_pause_before_the_sale_and_after_it_refuses_by_the_window_and_moves_no_window(db: Database) -> None:
    now = db.now()
    starts, ends = now + datetime.timedelta(seconds=10), now + datetime.timedelta(seconds=20)
    product = new_product(db, 3, sale_starts_at=starts, sale_ends_at=ends)
    db.travel_to(now)
    pause(db, product)

    said_then = []
    for seconds in (9, 10, 20):
        db.travel_to(now + datetime.timedelta(seconds=seconds))
        said_then.append(refusal(lambda: hold(db, product)).slug)

    assert said_then == ["sale_not_started", "sale_paused", "sale_ended"]
    resume(db, product)
    shown = db.one("get_product", product)
    assert (shown["sale_starts_at"], shown["sale_ends_at"]) == (starts, ends)


def test_a_repeat_in_a_pause_returns_the_first_hold(db: Database) -> None:
    product, key = new_product(db, 3), new_key()
    first = hold(db, product, 1, "ada", key)
    pause(db, product)

    again = db.one("create_hold", product, 1, "ada", key)

    assert (again["hold_id"], again["replayed"], again["status"]) == (first, 1, "active")


def test_a_pause_of_no_product_is_refused(db: Database) -> None:
    for procedure in ("pause_sale", "resume_sale"):
        assert refusal(lambda name=procedure: db.one(name, 2**31 - 1, "x")).slug == "product_not_found"  # type: ignore[misc]
