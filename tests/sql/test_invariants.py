"""The invariants can fail: each rule, broken by hand, is named, for the product it is broken for."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from sql.deploy.objects import all_objects
from tests.support.database import Database
from tests.support.outbox import new_receiver, told
from tests.support.sale import hold, new_key, new_payment, new_product, order, pay


class Damage(NamedTuple):
    """Statements that break a rule and those that mend it; the names of `Scratch` are filled in."""

    violation: str
    breaks: list[str]
    mends: list[str]
    of_product: bool = True


HOLD, ORDER, PAID, REFUNDED, PAID_HOLD = (
    f"UUID_TO_BIN('{{{name}}}')" for name in ("hold", "order", "paid", "refunded", "paid_hold")
)
NEW = "UUID_TO_BIN('{new}')"
LATER = "SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) + {seconds}"
NOW = "SET timestamp = DEFAULT"


def changed(table: str, where: str, column: str, wrong: str, right: str) -> tuple[list[str], list[str]]:
    """One column set to what is wrong, and back."""
    change = f"UPDATE {table} SET {column} = {{}} WHERE {where}"
    return [change.replace("{}", wrong)], [change.replace("{}", right)]


def moved(table: str, column: str, here: str, there: str) -> tuple[list[str], list[str]]:
    """A row gets the key of another one, and its own again."""
    move = f"UPDATE {table} SET {column} = {{}} WHERE {column} = {{}}"
    return [move.format(there, here)], [move.format(here, there)]


def ended(hold_id: str, ended_as: str, ended_at: str, where: str = HOLD) -> tuple[list[str], list[str]]:
    """A row of hold_history that tells a lie about the live hold."""
    return [
        "INSERT INTO hold_history (hold_id, product_id, qty, unit_price_minor, customer_id, created_at, expires_at,"
        " ended_at, ended_as)"
        f" SELECT {hold_id}, product_id, qty, unit_price_minor, customer_id, created_at, expires_at,"
        f" {ended_at}, '{ended_as}' FROM holds WHERE hold_id = {where}"
    ], [f"DELETE FROM hold_history WHERE hold_id = {hold_id}"]  # fmt: skip


def closed(where: str, status: str) -> tuple[list[str], list[str]]:
    """An order that is closed without anything else that goes with it."""
    return [
        f"UPDATE orders SET status = '{status}', closed_at = created_at, closed_reason = 'x', cancelled_as = 'lapsed'"
        f" WHERE order_id = {where}"
    ], [
        "UPDATE orders SET status = 'pending', closed_at = NULL, closed_reason = NULL, cancelled_as = NULL"
        f" WHERE order_id = {where}"
    ]  # fmt: skip


def closed_by(where: str, reason: str, cancelled_as: str) -> tuple[list[str], list[str]]:
    """An order that is cancelled for a reason that does not hold."""
    breaks, mends = closed(where, "cancelled")
    return [breaks[0].replace("'x'", f"'{reason}'").replace("'lapsed'", f"'{cancelled_as}'")], mends


def in_a_pause(damage: tuple[list[str], list[str]]) -> tuple[list[str], list[str]]:
    """The same, of a product whose sale has been paused since yesterday."""
    pause = "UPDATE products SET paused_at = {when} WHERE product_id = {{product}}"
    breaks, mends = damage
    return [*breaks, pause.format(when="UTC_TIMESTAMP(6) - INTERVAL 1 DAY")], [pause.format(when="NULL"), *mends]


def acted(action: str, order_id: str) -> tuple[list[str], list[str]]:
    """The record of something that no operator did."""
    return [
        "INSERT INTO operator_actions (action, product_id, order_id, reason, account, created_at)"
        f" VALUES ('{action}', {{product}}, {order_id}, 'x', 'x', UTC_TIMESTAMP(6))"
    ], [f"DELETE FROM operator_actions WHERE order_id = {order_id}"]


STRIPE = "product_id = {product} AND stripe = 0"
COUNTED = "product_id = {product} AND customer_id = 'alice'"
PAYING, DUE, WAITING, GONE = (f"payment_id = '{{{name}}}'" for name in ("pi_paid", "pi_due", "pi_held", "pi_gone"))
TOLD = "subject = '{order}'"
DAMAGES = [
    Damage("units_do_not_add_up", *changed("stock_stripes", STRIPE, "available", "available + 1", "available - 1")),
    Damage("units_do_not_add_up", *changed("holds", f"hold_id = {HOLD}", "qty", "qty + 1", "qty - 1")),
    Damage("units_do_not_add_up", *closed(ORDER, "cancelled")),
    Damage(
        "stock_negative",
        ["ALTER TABLE stock_stripes ALTER CHECK ck_stock_stripes_available NOT ENFORCED",
         "UPDATE stock_stripes SET available = available - 1000 WHERE product_id = {product} AND stripe = 0",
         "UPDATE stock_stripes SET available = available + 1000 WHERE product_id = {product} AND stripe = 1"],
        ["UPDATE stock_stripes SET available = available - 1000 WHERE product_id = {product} AND stripe = 1",
         "UPDATE stock_stripes SET available = available + 1000 WHERE product_id = {product} AND stripe = 0",
         "ALTER TABLE stock_stripes ALTER CHECK ck_stock_stripes_available ENFORCED"],
    ),
    Damage("stripes_differ", *changed("products", "product_id = {product}", "stripes", "stripes + 1", "stripes - 1")),
    Damage("stripes_differ", ["UPDATE stock_stripes SET stripe = 9 WHERE product_id = {product} AND stripe = 1"],
           ["UPDATE stock_stripes SET stripe = 1 WHERE product_id = {product} AND stripe = 9"]),
    Damage(
        "stripe_without_product",
        ["SET FOREIGN_KEY_CHECKS = 0",
         "UPDATE products SET product_id = product_id + 1000000 WHERE product_id = {product}"],
        ["UPDATE products SET product_id = {product} WHERE product_id = {product} + 1000000",
         "SET FOREIGN_KEY_CHECKS = 1"],
    ),
    Damage("adjustments_do_not_add_up",
           *changed("stock_adjustments", "product_id = {product}", "delta", "delta + 1", "delta - 1")),
    Damage("hold_live_and_ended", *ended(HOLD, "expired", "expires_at")),
    Damage(
        "hold_live_and_ordered",
        ["INSERT INTO holds (hold_id, product_id, qty, unit_price_minor, created_at, expires_at)"
         f" SELECT order_id, product_id, qty, 0, created_at, pay_by FROM orders WHERE order_id = {ORDER}"],
        [f"DELETE FROM holds WHERE hold_id = {ORDER}"],
    ),
    Damage("order_of_unordered_hold",
           *changed("hold_history", f"hold_id = {ORDER}", "ended_as", "'released'", "'ordered'")),
    Damage("ordered_hold_without_order", *ended(NEW, "ordered", "expires_at")),
    Damage(
        "key_held_twice",
        [f"UPDATE hold_history SET idempotency_key = (SELECT idempotency_key FROM holds WHERE hold_id = {HOLD})"
         f" WHERE hold_id = {ORDER}"],
        [f"UPDATE hold_history SET idempotency_key = '{{new}}' WHERE hold_id = {ORDER}"],
    ),
    Damage(
        "key_held_twice",
        [f"UPDATE hold_history SET idempotency_key = 'the same' WHERE hold_id IN ({ORDER}, {PAID})"],
        [f"UPDATE hold_history SET idempotency_key = NULL WHERE hold_id IN ({ORDER}, {PAID})"],
    ),
    Damage("hold_expired_early", *ended(NEW, "expired", "expires_at - INTERVAL 1 MICROSECOND")),
    Damage("hold_used_late", *changed("hold_history", f"hold_id = {ORDER}", "ended_at",
                                      "expires_at + INTERVAL 2 SECOND", "created_at")),
    Damage("order_expired_early", *closed_by(ORDER, "overdue: not paid in time", "lapsed")),
    Damage("expired_in_a_pause", *in_a_pause(ended(NEW, "expired", "expires_at"))),
    Damage("expired_in_a_pause", *in_a_pause(closed_by(ORDER, "overdue: not paid in time", "lapsed"))),
    Damage("order_without_hold", *moved("hold_history", "hold_id", ORDER, NEW)),
    Damage("order_unlike_hold", *changed("hold_history", f"hold_id = {ORDER}", "unit_price_minor",
                                         "unit_price_minor + 1", "unit_price_minor - 1")),
    Damage("order_unlike_hold", *changed("hold_history", f"hold_id = {ORDER}", "qty", "qty + 1", "qty - 1")),
    Damage(
        "hold_not_prolonged",
        [f"UPDATE holds SET order_at = expires_at, unpaid_until = expires_at, expires_at = '9999-12-31'"
         f" WHERE hold_id = {HOLD}"],
        [f"UPDATE holds SET expires_at = unpaid_until, order_at = NULL, unpaid_until = NULL WHERE hold_id = {HOLD}"],
    ),
    Damage(
        "hold_not_prolonged",
        [f"UPDATE holds SET expires_at = order_at, order_at = NULL, unpaid_until = NULL WHERE hold_id = {PAID_HOLD}"],
        [f"UPDATE holds SET order_at = expires_at, unpaid_until = expires_at, expires_at = '9999-12-31'"
         f" WHERE hold_id = {PAID_HOLD}"],
    ),
    Damage("money_does_not_add_up",
           *changed("payments", PAYING, "amount_minor", "amount_minor + 1", "amount_minor - 1"), False),
    Damage("paid_without_payment", *changed("payments", PAYING, "currency", "'USD'", "'EUR'")),
    Damage("refunded_without_refund",
           *changed("orders", f"order_id = {REFUNDED}", "payment_id", "'{new}'", "'{pi_gone}'")),
    Damage("payment_pays_nothing", *changed("payments", PAYING, "order_id", ORDER, PAID)),
    Damage("payment_state_unlike_money", *changed("payments", DUE, "state", "'settled'", "'due'"), False),
    Damage("payment_without_reason", *changed("payments", DUE, "reason", "NULL", "'the order is paid already'"), False),
    Damage("payment_waits_beside_order", *changed("payments", WAITING, "order_id", ORDER, PAID_HOLD)),
    Damage("payment_unlike_its_event",
           *changed("payment_webhooks", PAYING, "amount_minor", "1", "4000"), False),
    Damage("payment_unlike_its_event",
           *changed("payment_webhooks", PAYING, "outcome", "'ignored'", "'applied'"), False),
    Damage("payment_unlike_its_price",
           *changed("payments", DUE, "amount_minor", "amount_minor + 1", "amount_minor - 1")),
    Damage("payment_unlike_its_price",
           *changed("payments", WAITING, "amount_minor", "amount_minor + 1", "amount_minor - 1")),
    Damage("dispute_unlike_its_events", *changed("payments", PAYING, "dispute", "'won'", "NULL"), False),
    Damage(
        "dispute_unlike_its_events",
        [f"UPDATE payment_webhooks SET payment_status = 'dispute_opened' WHERE {PAYING}"],
        [f"UPDATE payment_webhooks SET payment_status = 'succeeded' WHERE {PAYING}"],
        False,
    ),
    Damage("payment_time_unlike_its_events",
           *changed("payments", PAYING, "created_at", "created_at - INTERVAL 1 HOUR", "created_at + INTERVAL 1 HOUR"),
           False),
    Damage("payment_time_unlike_its_events",
           *changed("payments", DUE, "received_at", "received_at - INTERVAL 1 HOUR", "received_at + INTERVAL 1 HOUR"),
           False),
    Damage("payment_without_event", *moved("payment_webhooks", "payment_id", "'{pi_open}'", "'{new}'"), False),
    Damage("event_without_reason", *changed("payment_webhooks", PAYING, "reason", "'x'", "NULL"), False),
    Damage("refunds_unlike_their_events", *changed("payments", GONE, "refunds_told", "2", "1"), False),
    Damage("refunds_unlike_their_events",
           *changed("payment_webhooks", f"{GONE} AND payment_status = 'refunded'", "amount_minor", "1", "NULL"), False),
    Damage("event_without_payment", *moved("payment_webhooks", "payment_id", "'{pi_open}'", "'{new}'"), False),
    Damage(
        "event_parked_beside_decision",
        [f"UPDATE payment_webhooks SET outcome = 'parked', settled_at = NULL WHERE {PAYING}"],
        [f"UPDATE payment_webhooks SET outcome = 'applied', settled_at = last_received_at WHERE {PAYING}"],
        False,
    ),
    Damage("event_parked_too_long",
           *changed("payments", "payment_id = '{pi_lost}'", "received_at", "received_at - INTERVAL 17 MINUTE",
                    "received_at + INTERVAL 17 MINUTE"), False),
    Damage("rules_changed",
           *changed("payment_rules", "order_state = 'lapsed' AND payment = 'matching'", "units", "'stay'",
                    "'take back'"), False),
    Damage("rules_changed",
           *changed("payment_rules", "order_state IN ('sold_on', 'contested') AND payment = 'matching'", "order_state",
                    "'contested'", "'sold_on'"), False),
    Damage("customer_units_differ", *changed("customer_units", COUNTED, "units", "units + 1", "units - 1")),
    Damage("customer_units_differ",
           *changed("customer_units", COUNTED, "unpaid_units", "unpaid_units - 1", "unpaid_units + 1")),
    Damage("customer_units_differ", *changed("holds", f"hold_id = {HOLD}", "customer_id", "'mallory'", "'alice'")),
    Damage("stop_unlike_actions",
           *changed("products", "product_id = {product}", "stopped_at", "UTC_TIMESTAMP(6)", "NULL")),
    Damage("pause_unlike_actions",
           *changed("products", "product_id = {product}", "paused_at", "UTC_TIMESTAMP(6)", "NULL")),
    Damage("hold_stopped_by_nobody", *ended(NEW, "stopped", "expires_at")),
    Damage("order_withdrawn_by_nobody", *closed_by(ORDER, "fraud", "withdrawn")),
    Damage("order_withdrawn_by_nobody", *closed_by(ORDER, "cancelled by the buyer", "lapsed")),
    Damage("withdrawal_unlike_order", *acted("cancel_order", ORDER)),
    Damage("acceptance_unlike_order", *acted("accept_payment", PAID)),
    Damage("acceptance_unlike_order",
           *changed("orders", f"order_id = {PAID}", "accepted_at", "UTC_TIMESTAMP(6)", "NULL")),
    Damage("refund_recorded_by_nobody",
           *changed("payments", DUE, "refund_recorded_at", "UTC_TIMESTAMP(6)", "NULL"), False),
    Damage("notification_unlike_its_body",
           *changed("notifications", TOLD, "created_at", "created_at - INTERVAL 1 SECOND",
                    "created_at + INTERVAL 1 SECOND"), False),
    Damage("notification_unlike_its_body", *moved("notifications", "subject", "'{order}'", "'{new}'"), False),
    Damage("notification_unlike_its_order",
           *changed("notifications", TOLD, "body", "JSON_SET(body, '$.data.qty', 4)",
                    "JSON_SET(body, '$.data.qty', 3)"), False),
    Damage("notification_unlike_its_order",
           *changed("notifications", TOLD, "kind", "'order.refunded'", "'order.created'"), False),
    Damage("notification_unlike_its_payment",
           *changed("notifications", "body->>'$.data.payment_id' = '{pi_due}'", "kind", "'payment.disputed'",
                    "'payment.due'"), False),
    Damage(
        "notification_forgotten",
        [f"UPDATE notifications SET state = 'pending', settled_at = NULL WHERE {TOLD}", LATER.format(seconds=400_000)],
        [NOW, f"UPDATE notifications SET state = 'failed', settled_at = created_at WHERE {TOLD}"],
        False,
    ),
    Damage("sweep_late", [LATER.format(seconds=100_000)], [NOW], False),
    Damage(
        "sweep_never_ran",
        ["DELETE FROM sweep_heartbeat", LATER.format(seconds=100)],
        [NOW,
         "INSERT INTO sweep_heartbeat (started_at, holds_expired, orders_expired, orders_made, payments_settled,"
         " lag_seconds) VALUES (UTC_TIMESTAMP(6), 0, 0, 0, 0, 0)"],
        False,
    ),
    Damage("sweep_stopped", [LATER.format(seconds=200_000_000)], [NOW], False),
]  # fmt: skip


@pytest.fixture
def broken(
    connect_as: Callable[..., Database],
) -> Iterator[Callable[[Damage], contextlib.AbstractContextManager[Database]]]:
    """`with broken(damage) as session:` — an administrator's session while the rule is broken in a scratch product."""
    admin = connect_as("admin")
    # No sweep looks at what is broken.
    assert admin.value("SELECT GET_LOCK(LEFT(CONCAT('sweep.', DATABASE()), 64), 10)") == 1
    product = new_product(admin, 100, stripes=2, max_per_customer=50)
    names = {"product": product, **{name: new_payment() for name in
             ("pi_paid", "pi_due", "pi_held", "pi_gone", "pi_open", "pi_lost")}, "new": new_key()}  # fmt: skip
    # Who is told of it is told nothing more before anything is broken.
    with told(admin, new_receiver()):
        names["hold"] = hold(admin, product, 2, "alice")
        names["paid_hold"] = hold(admin, product, 1, "alice")
        for name, qty in [("order", 3), ("paid", 4), ("refunded", 1)]:
            names[name] = order(admin, product, qty, "alice")
        for name, payment in [
            ("paid_hold", "pi_held"), ("paid", "pi_paid"), ("paid", "pi_due"), ("refunded", "pi_gone"),
        ]:  # fmt: skip
            pay(admin, str(names[name]), payment=str(names[payment]))
        pay(admin, str(names["refunded"]), "refunded", payment=str(names["pi_gone"]))
        pay(admin, new_key(), "declined", payment=str(names["pi_open"]))
        pay(admin, new_key(), "succeeded", 100, "EUR", payment=str(names["pi_lost"]))

    @contextlib.contextmanager
    def break_it(damage: Damage) -> Iterator[Database]:
        for statement in damage.breaks:
            admin.query(statement.format(**names))
        try:
            yield admin
        finally:
            for statement in damage.mends:
                admin.query(statement.format(**names))

    break_it.product = product  # type: ignore[attr-defined]
    yield break_it
    assert admin.call("check_invariants") == []
    admin.query("DO RELEASE_ALL_LOCKS()")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.violation)
def test_a_broken_rule_is_named_with_its_product(broken: Callable[..., object], damage: Damage) -> None:
    with broken(damage) as session:  # type: ignore[attr-defined]
        found = session.call("check_invariants")

    product = broken.product if damage.of_product else None  # type: ignore[attr-defined]
    named = [row for row in found if row["violation"] == damage.violation]
    assert {row["product_id"] for row in named} == {product}
    assert all(row["detail"] for row in named)


def test_every_rule_is_broken_by_one_of_these_tests() -> None:
    views = [item for item in all_objects() if item.name.endswith("_violations")]
    rules = [rule for view in views for rule in re.findall(r"^SELECT '(\w+)'", view.statement, re.MULTILINE)]

    assert len(rules) >= 48
    assert set(rules) == {damage.violation for damage in DAMAGES}


def test_the_invariants_hold_at_every_instant_of_a_running_sale(
    db: Database, connect_as: Callable[..., Database]
) -> None:
    """One snapshot is exact: looked at in the middle of other sessions' transactions, everything adds up."""
    product = new_product(db, 10, max_per_customer=10)
    admin = connect_as("admin")
    admin.query("START TRANSACTION")
    admin.query("UPDATE stock_stripes SET available = 0 WHERE product_id = %s", product)

    assert db.call("check_invariants") == []
    admin.query("ROLLBACK")


def test_every_view_of_violations_is_part_of_the_invariants() -> None:
    views = {item.name: item.statement for item in all_objects() if item.name.endswith("_violations")}

    taken = re.findall(r"FROM (\w+_violations)$", views.pop("invariant_violations"), re.MULTILINE)
    assert sorted(taken) == sorted(views)
