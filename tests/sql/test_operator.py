"""What the people on duty can do during a sale, and that it is written down who did it and why."""

import datetime
from collections.abc import Callable

import pytest

from tests.support.database import Database, Row
from tests.support.sale import hold, new_key, new_product, order, pay, refusal, stock, sweep


def ledger(db: Database, product: int) -> list[Row]:
    """The ledger of a product, oldest first."""
    return db.query("SELECT * FROM stock_ledger WHERE product_id = %s ORDER BY happened_at", product)


def overview(db: Database, product: int | None) -> Row:
    """A product's row of sale_overview; None: the row of everything together."""
    [row] = [row for row in db.call("sale_overview") if row["product_id"] == product]
    return row


def due_order(db: Database, product: int) -> str:
    """An order of all units that are free, paid after they were lost."""
    free = stock(db, product)[0]
    order_id = order(db, product, free)
    db.one("cancel_order", order_id, "no stock")
    db.one("adjust_stock", product, -free, "lost")
    assert pay(db, order_id)["outcome"] == "refund_due"
    return order_id


def refunds_due(db: Database, order_id: str) -> list[Row]:
    """What list_refunds_due says of an order."""
    return [row for row in db.call("list_refunds_due") if row["order_id"] == order_id]


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


@pytest.mark.parametrize("state", ["paid", "refund_due", "refunded"])
def test_an_order_that_was_paid_is_not_cancelled(db: Database, state: str) -> None:
    product = new_product(db, 2)
    if state == "refund_due":
        order_id = due_order(db, product)
    else:
        order_id = order(db, product)
        pay(db, order_id)
        if state == "refunded":
            pay(db, order_id, "refunded")
    before = stock(db, product)

    refused = refusal(lambda: db.one("cancel_order", order_id, "too late"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("order_not_cancellable", 31106, "45409")
    assert state in refused.detail
    assert (db.one("get_order", order_id)["status"], stock(db, product)) == (state, before)


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
    db.one("set_limits", product, None, None, None, seconds, "patience")
    return product


def test_a_hold_is_extended_once_by_what_its_product_allows(db: Database) -> None:
    product = patient_product(db)
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

    refused = refusal(lambda: db.one("set_limits", product, 2, None, None, None, "late"))

    assert refused.slug == "stock_in_use"
    assert db.one("get_product", product)["max_per_customer"] is None
    db.one("release_hold", hold_id)
    assert db.one("set_limits", product, 2, None, None, None, "in time")["max_per_customer"] == 2
    hold(db, product, 2, "alice")


def test_limits_that_are_on_change_and_end_during_the_sale(db: Database) -> None:
    product = new_product(db, 10, max_per_customer=1)
    hold(db, product, 1, "alice")

    db.one("set_limits", product, 3, None, None, None, "generous")
    hold(db, product, 2, "alice")
    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "customer_limit_reached"
    db.one("set_limits", product, None, None, None, None, "off")
    hold(db, product, 1, None)
    assert db.value("SELECT COUNT(*) FROM customer_units WHERE product_id = %s", product) == 0


def test_a_customer_keeps_a_share_of_the_product_unpaid_at_most(db: Database) -> None:
    product = new_product(db, 40)
    db.one("set_limits", product, None, 10, None, None, "fair")
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
    db.one("set_limits", product, None, 1, None, None, "strict")

    hold(db, product, 1, "alice")
    assert refusal(lambda: hold(db, product, 1, "alice")).slug == "unpaid_limit_reached"


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("what", ["hold", "order"])
def test_who_lets_units_run_out_unpaid_has_to_pause(db: Database, swept: bool, what: str) -> None:
    product = new_product(db, 10, payment_seconds=120)
    db.one("set_limits", product, None, None, 60, None, "no bots")
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
    db.one("set_limits", product, None, None, 60, None, "no bots")
    db.travel_to(datetime.datetime(2031, 5, 4, 9))
    order_id = order(db, product, 1, "alice")
    db.travel_to(datetime.datetime(2031, 5, 4, 9, 2, 30))
    if swept:
        sweep(db)
    assert pay(db, order_id)["order_status"] == "paid"

    assert refusal(lambda: hold(db, product, 1, "alice")).detail.endswith("retry after 30 s")
    db.travel_to(datetime.datetime(2031, 5, 4, 9, 3))
    hold(db, product, 1, "alice")


def test_who_gives_units_back_or_pays_has_no_pause(db: Database) -> None:
    product = new_product(db, 10)
    db.one("set_limits", product, None, None, 3600, None, "no bots")
    db.one("release_hold", hold(db, product, 1, "alice"))
    pay(db, order(db, product, 1, "alice"))
    db.one("cancel_order", order(db, product, 1, "alice"), "by the shop")

    hold(db, product, 1, "alice")


# -- the inbox


def test_the_inbox_lists_events_newest_first_with_what_they_did(db: Database) -> None:
    product, first, second = new_product(db, 10), new_key(), new_key()
    order_id = order(db, product)
    pay(db, order_id, "failed", key=first)
    pay(db, order_id, "failed", key=second)
    since = db.value("SELECT first_received_at FROM payment_webhooks WHERE idempotency_key = %s", first)

    listed = [row for row in db.call("list_webhooks", None, since, 10_000) if row["order_id"] == order_id]

    assert [(row["idempotency_key"], row["outcome"], row["reason"]) for row in listed] == [
        (second, "ignored", "the order is cancelled already"), (first, "applied", None),
    ]  # fmt: skip
    assert [row["outcome"] for row in db.call("list_webhooks", "ignored", None, 1)] == ["ignored"]
    assert len(db.call("list_webhooks", None, None, 1)) == 1
    assert db.call("list_webhooks", None, datetime.datetime(9999, 1, 1), None) == []


def test_an_event_that_moves_no_order_is_kept_and_ignored(db: Database) -> None:
    key = new_key()

    first = db.one("receive_payment_webhook", key, None, "other", None, None, None, '{"type": "customer.created"}')
    again = db.one("receive_payment_webhook", key, None, "other", None, None, None, None)

    assert (first["outcome"], first["order_id"], first["order_status"]) == ("ignored", None, None)
    assert first["reason"] == "an event of this kind moves no order"
    assert again == {**first, "deliveries": 2, "replayed": 1}


def test_refused_webhooks_are_counted_and_nothing_else_is_kept(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    [before] = db.query("SELECT COUNT(*) AS n FROM payment_webhooks")
    counts = [
        session.one("count_refused_webhook", "stale_timestamp")["refusals"]
        for session in (connect_as("api"), connect_as("api"), db)
    ]

    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]
    assert db.query("SELECT COUNT(*) AS n FROM payment_webhooks") == [before]


# -- refunds


def test_a_refund_that_is_due_is_listed_recorded_and_gone(db: Database) -> None:
    product = new_product(db, 2)
    order_id = due_order(db, product)
    [due] = refunds_due(db, order_id)
    assert (due["amount"], due["currency"], due["product_id"]) == (2000, "EUR", product)

    recorded = db.one("record_refund", order_id, "re_1")

    assert recorded == {"order_id": order_id, "order_status": "refunded", "payments": 1, "replayed": 0}
    assert refunds_due(db, order_id) == []
    refunded = db.one("get_order", order_id)
    assert (refunded["status"], refunded["closed_reason"], refunded["refunded"]) == ("refunded", "re_1", 2000)
    assert db.one("record_refund", order_id, "re_2")["replayed"] == 1
    assert db.one("get_order", order_id)["closed_reason"] == "re_1"
    assert pay(db, order_id, "refunded")["outcome"] == "ignored"


def test_what_was_given_back_in_part_is_due_for_the_rest(db: Database) -> None:
    order_id = due_order(db, new_product(db, 2))

    assert pay(db, order_id, "refunded", 500, "EUR")["outcome"] == "applied"

    assert [row["amount"] for row in refunds_due(db, order_id)] == [1500]


def test_a_payment_whose_hold_ended_is_due_until_recorded_or_refunded_by_the_provider(db: Database) -> None:
    product = new_product(db, 2)
    by_hand, by_event = hold(db, product, 1, "alice"), hold(db, product, 1, "bob")
    for hold_id in (by_hand, by_event):
        db.one("release_hold", hold_id)
        pay(db, hold_id, "succeeded", 1000, "EUR", f"paid-{hold_id}")
    [due] = refunds_due(db, by_hand)
    assert (due["product_id"], due["customer_id"], due["amount"]) == (product, "alice", 1000)

    assert db.one("record_refund", by_hand, "re_1")["order_status"] is None
    assert pay(db, by_event, "refunded", 1000, "EUR")["outcome"] == "applied"

    assert refunds_due(db, by_hand) == refunds_due(db, by_event) == []
    assert pay(db, by_event, "succeeded", 1000, "EUR", f"paid-{by_event}")["outcome"] == "refunded"


def test_the_refund_of_an_orphaned_payment_may_come_before_the_payment(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1))
    db.one("release_hold", hold_id)

    assert pay(db, hold_id, "refunded")["outcome"] == "ignored"
    assert pay(db, hold_id, "succeeded")["outcome"] == "refunded"
    assert refunds_due(db, hold_id) == []


def test_a_refund_in_another_currency_or_of_another_amount_clears_nothing(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1))
    db.one("release_hold", hold_id)
    pay(db, hold_id, "succeeded", 1000, "EUR")

    assert pay(db, hold_id, "refunded", 1000, "USD")["outcome"] == "ignored"
    assert pay(db, hold_id, "refunded", 400, "EUR")["outcome"] == "ignored"

    assert [row["amount"] for row in refunds_due(db, hold_id)] == [1000]


def test_one_refund_of_two_orphaned_payments_leaves_the_other_due(db: Database) -> None:
    hold_id = hold(db, new_product(db, 1))
    db.one("release_hold", hold_id)
    pay(db, hold_id, "succeeded", 1000, "EUR")
    pay(db, hold_id, "succeeded", 1000, "EUR")

    assert pay(db, hold_id, "refunded", 1000, "EUR")["outcome"] == "applied"
    assert len(refunds_due(db, hold_id)) == 1
    assert pay(db, hold_id, "refunded", 1000, "EUR")["outcome"] == "applied"
    assert refunds_due(db, hold_id) == []


def test_a_payment_for_an_id_that_nobody_knows_is_due_when_it_waited_too_long(db: Database) -> None:
    stranger = new_key()
    db.travel(-960)
    pay(db, stranger, "succeeded", 700, "EUR")
    pay(db, stranger, "failed")
    db.come_back()

    assert [row["violation"] for row in db.call("check_invariants")] == ["payment_parked_too_long"] * 2
    assert overview(db, None)["parked_too_long"] == 2
    assert [row["amount"] for row in refunds_due(db, stranger)] == [700]
    assert db.one("record_refund", stranger, "re_1")["payments"] == 1
    assert db.call("check_invariants") == []
    assert refunds_due(db, stranger) == []


@pytest.mark.parametrize("state", ["pending", "paid", "refunded"])
def test_there_is_nothing_to_refund_of_an_order_that_is_not_due(db: Database, state: str) -> None:
    product = new_product(db, 2)
    order_id = order(db, product)
    if state != "pending":
        pay(db, order_id)
    if state == "refunded":
        pay(db, order_id, "refunded")

    refused = refusal(lambda: db.one("record_refund", order_id, "re_1"))

    assert (refused.slug, refused.errno, refused.sqlstate) == ("refund_not_due", 31111, "45409")
    assert db.one("get_order", order_id)["status"] == state


def test_a_refund_of_nothing_we_know_is_refused(db: Database) -> None:
    assert refusal(lambda: db.one("record_refund", new_key(), "re_1")).slug == "order_not_found"


# -- reprocess_webhook


def test_a_payment_that_came_too_late_is_decided_anew_when_its_units_are_back(db: Database) -> None:
    product = new_product(db, 2)
    order_id = due_order(db, product)
    [webhook] = db.query("SELECT webhook_id FROM payment_webhooks WHERE order_id = UUID_TO_BIN(%s)", order_id)
    settled = refusal(lambda: db.one("reprocess_webhook", webhook["webhook_id"]))
    assert (settled.slug, settled.errno, settled.sqlstate) == ("webhook_settled", 31112, "45409")

    db.one("adjust_stock", product, 2, "found again")
    decided = db.one("reprocess_webhook", webhook["webhook_id"])

    assert (decided["outcome"], decided["order_status"], decided["replayed"]) == ("applied", "paid", 0)
    assert stock(db, product) == (0, 0, 2)
    assert refunds_due(db, order_id) == []
    assert db.one("reprocess_webhook", webhook["webhook_id"])["replayed"] == 1
    assert stock(db, product) == (0, 0, 2)
    assert "reprocess_webhook" in {row["entry"] for row in ledger(db, product)}


def test_units_in_expired_holds_count_for_a_payment_that_is_decided_anew(db: Database) -> None:
    product = new_product(db, 2)
    order_id = order(db, product, 2)
    db.one("cancel_order", order_id, "no")
    hold(db, product, 2)
    webhook = pay(db, order_id)
    assert webhook["outcome"] == "refund_due"

    db.travel(121)

    assert db.one("reprocess_webhook", webhook["webhook_id"])["order_status"] == "paid"


@pytest.mark.parametrize("state", ["applied", "ignored", "amount_mismatch", "parked", "refunded", "other"])
def test_an_event_that_would_be_decided_as_before_is_left_alone(db: Database, state: str) -> None:
    product = new_product(db, 2)
    order_id = order(db, product)
    if state == "refunded":
        order_id = due_order(db, product)
        db.one("record_refund", order_id, "re_1")
        webhook_id = db.value("SELECT webhook_id FROM payment_webhooks WHERE order_id = UUID_TO_BIN(%s)", order_id)
    elif state == "other":
        webhook_id = db.one("receive_payment_webhook", new_key(), None, "other", None, None, None, None)["webhook_id"]
    else:
        event = {
            "applied": lambda: pay(db, order_id),
            "ignored": lambda: pay(db, order_id, "refunded"),
            "amount_mismatch": lambda: pay(db, order_id, "succeeded", 1),
            "parked": lambda: pay(db, hold(db, product)),
        }[state]()
        assert event["outcome"] == state
        webhook_id = event["webhook_id"]
    before = db.query("SELECT * FROM payment_webhooks WHERE webhook_id = %s", webhook_id), stock(db, product)

    assert refusal(lambda: db.one("reprocess_webhook", webhook_id)).slug == "webhook_settled"

    assert (db.query("SELECT * FROM payment_webhooks WHERE webhook_id = %s", webhook_id), stock(db, product)) == before


def test_a_parked_payment_whose_hold_has_ended_need_not_wait_for_the_sweep(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    hold_id = hold(db, new_product(db, 1))
    webhook = pay(db, hold_id)
    admin = connect_as("admin")
    assert admin.value("SELECT GET_LOCK(LEFT(CONCAT('sweep.', DATABASE()), 64), 10)") == 1  # no sweep meanwhile
    db.one("release_hold", hold_id)

    decided = db.one("reprocess_webhook", webhook["webhook_id"])

    admin.query("DO RELEASE_ALL_LOCKS()")
    assert (decided["outcome"], decided["order_status"]) == ("refund_due", None)


# -- figures


def test_the_units_of_the_ledger_add_up_to_those_that_are_free(db: Database) -> None:
    product = new_product(db, 30, max_per_customer=20)
    pay(db, order(db, product, 2, "alice"))
    paid = order(db, product, 1, "alice")
    pay(db, paid)
    pay(db, paid, "refunded")
    pay(db, order(db, product, 3, "alice"), "failed")
    db.one("release_hold", hold(db, product, 4, "bob"))
    hold(db, product, 5, "bob")
    db.one("cancel_order", order(db, product, 6, "carol"), "no")
    db.one("adjust_stock", product, -7, "damaged")
    due = order(db, product, 1, "dora")
    db.one("cancel_order", due, "no")
    db.one("adjust_stock", product, -stock(db, product)[0], "lost")
    pay(db, due)
    db.one("adjust_stock", product, 4, "found")

    rows = ledger(db, product)

    assert sum(row["units"] for row in rows) == stock(db, product)[0] == 4
    assert all(
        row["account"] and row["reason"] for row in rows if row["entry"] in {"added", "withdrawn", "cancel_order"}
    )


def test_the_overview_shows_where_units_orders_and_money_are(db: Database) -> None:
    product = new_product(db, 30)
    pay(db, order(db, product, 2))
    part = order(db, product, 1)
    pay(db, part)
    pay(db, part, "refunded", 400, "EUR")
    order(db, product, 3)
    pay(db, order(db, product, 4), "failed")
    pay(db, hold(db, product, 5))
    pay(db, order(db, product, 1), "succeeded", 1, "EUR")

    row = overview(db, product)

    assert {name: row[name] for name in row if name not in {"name", "product_id"}} == {
        "sale": "open", "stock_total": 30, "available": 18, "held": 5, "sold": 7, "live_holds": 1,
        "orders_pending": 2, "orders_paid": 2, "orders_cancelled": 1, "orders_refund_due": 0, "orders_refunded": 0,
        "takings": 2600, "currency": "EUR", "payments_parked": 1, "parked_too_long": 0, "amount_mismatches": 1,
        "refunds_due": 0,
    }  # fmt: skip
    [together] = [row for row in db.call("sale_overview") if row["product_id"] is None]
    assert together["stock_total"] == sum(row["stock_total"] for row in db.call("list_products"))


def test_the_overview_says_whether_a_sale_is_open(db: Database) -> None:
    product = new_product(db, 1)
    now = db.now()

    def says() -> str:
        return str(overview(db, product)["sale"])

    assert says() == "open"
    hold(db, product)
    assert says() == "sold out"
    db.one("set_sale_window", product, now + datetime.timedelta(hours=1), None, "later")
    assert says() == "upcoming"
    db.one("set_sale_window", product, None, now, "over")
    assert says() == "ended"


# -- purge_history


def test_a_purge_deletes_what_ended_long_ago_and_nothing_that_still_counts(db: Database) -> None:
    product = new_product(db, 30)
    db.travel(-3 * 86400)
    db.one("release_hold", old := hold(db, product, 1, key=(old_key := new_key())))
    failed, paid = order(db, product), order(db, product)
    pay(db, failed, "failed")
    pay(db, paid)
    parked = hold(db, product)
    pay(db, parked)
    db.come_back()
    db.one("release_hold", young := hold(db, product))
    sweep(db)
    before = stock(db, product)

    purged = db.one("purge_history", 2)

    assert purged["holds_deleted"] >= 1
    assert purged["webhooks_deleted"] >= 1
    assert refusal(lambda: db.one("get_hold", old)).slug == "hold_not_found"
    assert refusal(lambda: db.one("get_hold", young)).slug == "hold_released"
    kept = {row["order_id"] for row in db.call("list_webhooks", None, None, 10_000)}
    assert {paid, parked} <= kept
    assert failed not in kept
    assert stock(db, product) == before
    assert sum(row["units"] for row in ledger(db, product)) == before[0]
    hold(db, product, 1, key=old_key)
    assert db.one("purge_history", 2)["webhooks_deleted"] == 0
