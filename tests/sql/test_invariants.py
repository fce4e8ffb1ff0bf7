"""The invariants can fail: each rule, broken by hand, is named, for the product it is broken for."""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from sql.deploy.objects import all_objects
from tests.support.database import Database
from tests.support.sale import hold, new_key, new_product, order, pay


class Damage(NamedTuple):
    """Statements that break a rule and those that mend it; {product}, {hold}, {order}, {paid}, {new} are filled in."""

    violation: str
    breaks: list[str]
    mends: list[str]
    of_product: bool = True


IS_ORDER = "order_id = UUID_TO_BIN('{order}')"
ARCHIVE = (
    "INSERT INTO hold_history (hold_id, product_id, qty, customer_id, created_at, expires_at, ended_at, ended_as)"
    " SELECT {id}, product_id, qty, customer_id, created_at, expires_at, expires_at, '{as_}' FROM holds"
    " WHERE hold_id = UUID_TO_BIN('{{hold}}')"
)
DAMAGES = [
    Damage(
        "units_do_not_add_up",
        ["UPDATE stock_stripes SET available = available + 1 WHERE product_id = {product} AND stripe = 0"],
        ["UPDATE stock_stripes SET available = available - 1 WHERE product_id = {product} AND stripe = 0"],
    ),
    Damage(
        "units_do_not_add_up",
        ["UPDATE holds SET qty = qty + 1 WHERE hold_id = UUID_TO_BIN('{hold}')"],
        ["UPDATE holds SET qty = qty - 1 WHERE hold_id = UUID_TO_BIN('{hold}')"],
    ),
    Damage(
        "units_do_not_add_up",
        [f"UPDATE orders SET status = 'cancelled', closed_at = created_at WHERE {IS_ORDER}"],
        [f"UPDATE orders SET status = 'pending', closed_at = NULL WHERE {IS_ORDER}"],
    ),
    Damage(
        "stock_negative",
        ["ALTER TABLE stock_stripes ALTER CHECK ck_stock_stripes_available NOT ENFORCED",
         "UPDATE stock_stripes SET available = available - 1000 WHERE product_id = {product} AND stripe = 0",
         "UPDATE stock_stripes SET available = available + 1000 WHERE product_id = {product} AND stripe = 1"],
        ["UPDATE stock_stripes SET available = available - 1000 WHERE product_id = {product} AND stripe = 1",
         "UPDATE stock_stripes SET available = available + 1000 WHERE product_id = {product} AND stripe = 0",
         "ALTER TABLE stock_stripes ALTER CHECK ck_stock_stripes_available ENFORCED"],
    ),
    Damage(
        "stripes_missing",
        ["UPDATE products SET stripes = stripes + 1 WHERE product_id = {product}"],
        ["UPDATE products SET stripes = stripes - 1 WHERE product_id = {product}"],
    ),
    Damage(
        "adjustments_do_not_add_up",
        ["UPDATE stock_adjustments SET delta = delta + 1 WHERE product_id = {product}"],
        ["UPDATE stock_adjustments SET delta = delta - 1 WHERE product_id = {product}"],
    ),
    Damage(
        "hold_live_and_ended",
        [ARCHIVE.format(id="hold_id", as_="expired")],
        ["DELETE FROM hold_history WHERE hold_id = UUID_TO_BIN('{hold}')"],
    ),
    Damage(
        "hold_live_and_ordered",
        ["INSERT INTO holds (hold_id, product_id, qty, created_at, expires_at)"
         f" SELECT order_id, product_id, qty, created_at, pay_by FROM orders WHERE {IS_ORDER}"],
        ["DELETE FROM holds WHERE hold_id = UUID_TO_BIN('{order}')"],
    ),
    Damage(
        "order_of_unordered_hold",
        ["UPDATE hold_history SET ended_as = 'released' WHERE hold_id = UUID_TO_BIN('{order}')"],
        ["UPDATE hold_history SET ended_as = 'ordered' WHERE hold_id = UUID_TO_BIN('{order}')"],
    ),
    Damage(
        "ordered_hold_without_order",
        [ARCHIVE.format(id="UUID_TO_BIN('{new}')", as_="ordered")],
        ["DELETE FROM hold_history WHERE hold_id = UUID_TO_BIN('{new}')"],
    ),
    Damage(
        "key_held_twice",
        ["UPDATE hold_history SET idempotency_key = (SELECT idempotency_key FROM holds"
         " WHERE hold_id = UUID_TO_BIN('{hold}')) WHERE hold_id = UUID_TO_BIN('{order}')"],
        ["UPDATE hold_history SET idempotency_key = '{new}' WHERE hold_id = UUID_TO_BIN('{order}')"],
    ),
    Damage(
        "payment_parked_beside_order",
        ["UPDATE payment_webhooks SET outcome = 'parked', settled_at = NULL WHERE order_id = UUID_TO_BIN('{order}')"],
        ["UPDATE payment_webhooks SET outcome = 'ignored', settled_at = last_received_at"
         " WHERE order_id = UUID_TO_BIN('{order}')"],
    ),
    Damage(
        "paid_without_payment",
        ["UPDATE payment_webhooks SET outcome = 'ignored' WHERE order_id = UUID_TO_BIN('{paid}')"],
        ["UPDATE payment_webhooks SET outcome = 'applied' WHERE order_id = UUID_TO_BIN('{paid}')"],
    ),
    Damage(
        "customer_units_differ",
        ["UPDATE customer_units SET units = units + 1 WHERE product_id = {product}"],
        ["UPDATE customer_units SET units = units - 1 WHERE product_id = {product}"],
    ),
    Damage(
        "customer_units_differ",
        ["UPDATE customer_units SET unpaid_units = unpaid_units - 1 WHERE product_id = {product}"],
        ["UPDATE customer_units SET unpaid_units = unpaid_units + 1 WHERE product_id = {product}"],
    ),
    Damage(
        "refund_due_without_payment",
        ["UPDATE orders SET status = 'refund_due', closed_at = created_at WHERE order_id = UUID_TO_BIN('{paid}')"],
        ["UPDATE orders SET status = 'paid', closed_at = NULL WHERE order_id = UUID_TO_BIN('{paid}')"],
    ),
    Damage(
        "payment_parked_too_long",
        ["UPDATE payment_webhooks SET order_id = UUID_TO_BIN('{new}'), outcome = 'parked', settled_at = NULL,"
         " first_received_at = first_received_at - INTERVAL 16 MINUTE WHERE order_id = UUID_TO_BIN('{order}')"],
        ["UPDATE payment_webhooks SET order_id = UUID_TO_BIN('{order}'), outcome = 'ignored',"
         " settled_at = last_received_at WHERE order_id = UUID_TO_BIN('{new}')"],
        False,
    ),
    Damage(
        "customer_units_differ",
        ["UPDATE holds SET customer_id = 'mallory' WHERE hold_id = UUID_TO_BIN('{hold}')"],
        ["UPDATE holds SET customer_id = 'alice' WHERE hold_id = UUID_TO_BIN('{hold}')"],
    ),
    Damage("sweep_late", ["SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) + 100000"], ["SET timestamp = DEFAULT"], False),
    Damage(
        "sweep_stopped",
        ["SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) + 200000000"], ["SET timestamp = DEFAULT"], False,
    ),
]  # fmt: skip


@pytest.fixture
def broken(
    connect_as: Callable[..., Database],
) -> Iterator[Callable[[Damage], contextlib.AbstractContextManager[Database]]]:
    """`with broken(damage) as session:` — an administrator's session while the rule is broken in a scratch product."""
    admin = connect_as("admin")
    product = new_product(admin, 100, stripes=2, max_per_customer=50)
    names = {
        "product": product, "hold": hold(admin, product, 2, "alice"), "order": order(admin, product, 3, "alice"),
        "paid": order(admin, product, 4, "alice"), "new": new_key(),
    }  # fmt: skip
    pay(admin, names["paid"])
    pay(admin, names["order"], "refunded")  # ignored, and kept

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


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.violation)
def test_a_broken_rule_is_named_with_its_product(broken: Callable[..., object], damage: Damage) -> None:
    with broken(damage) as session:  # type: ignore[attr-defined]
        found = session.call("check_invariants")

    product = broken.product if damage.of_product else None  # type: ignore[attr-defined]
    named = [row for row in found if row["violation"] == damage.violation]
    assert {row["product_id"] for row in named} == {product}
    assert all(row["detail"] for row in named)


def test_every_rule_is_broken_by_one_of_these_tests() -> None:
    [view] = [item for item in all_objects() if item.name == "invariant_violations"]
    rules = re.findall(r"^SELECT '(\w+)'", view.statement, re.MULTILINE)

    assert len(rules) >= 16
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
