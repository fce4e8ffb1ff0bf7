"""Procedures and the transactions, isolation levels and locks of those who call them."""

from collections.abc import Callable, Iterator
from typing import Any

import mysql.connector
import pytest

from tests.support.database import Database, Refused
from tests.support.good_calls import PARAMETERS, PROCEDURES, GoodCalls
from tests.support.sale import (
    at_once,
    hold,
    new_key,
    new_payment,
    new_product,
    order,
    pay,
    refusal,
    stock,
    until_somebody_waits,
)
from tests.support.waiting import open_transactions

Connect = Callable[..., Database]
REFUSED: dict[str, dict[str, Any]] = {
    "create_product": {"price": -1}, "adjust_stock": {"delta": -10_000}, "get_product": {"product_id": 0},
    "set_price": {"price": "9.90"}, "stop_sale": {"product_id": 2**31 - 1},
    "pause_sale": {"product_id": 2**31 - 1}, "resume_sale": {"reason": ""}, "archive_product": {"reason": ""},
    "create_hold": {"qty": 10**6}, "create_holds": {"requests": "[]"}, "get_hold": {"hold_id": "x"},
    "release_hold": {"hold_id": new_key()},
    "create_order": {"hold_id": new_key()}, "get_order": {"order_id": new_key()},
    "cancel_pending_order": {"order_id": new_key()}, "fulfil_order": {"order_id": new_key()},
    "receive_payment_webhook": {"status": "lost"}, "expire_holds": {"limit": 0}, "expire_orders": {"limit": 0},
    "help": {"name": "teleport"}, "extend_hold": {"hold_id": new_key()}, "cancel_order": {"order_id": new_key()},
    "set_sale_window": {"reason": ""}, "set_limits": {"pause_seconds": 0}, "list_webhooks": {"outcome": "lost"},
    "reprocess_webhook": {"webhook_id": 2**62}, "record_refund": {"payment_id": new_payment()},
    "accept_payment": {"payment_id": new_payment()}, "forget_customer": {"customer_id": ""},
    "count_refused_webhook": {"reason": "ugly"}, "end_call": {"connection_id": 0}, "purge_history": {"days": 0},
    "compare_node": {"executed": "yesterday"}, "find_purchases": {"text": ""}, "list_ledger": {"limit": 0},
    "list_orders": {"status": "lost"}, "list_products": {"sale": "over"},
    "set_receivers": {"receivers": "{}"}, "claim_notifications": {"limit": 0}, "settle_notification": {"attempt": 0},
    "list_notifications": {"state": "lost"}, "resend_notification": {"notification_id": 0},
    "create_orders": {"requests": "[]"}, "receive_payment_webhooks": {"events": "[]"},
}  # fmt: skip


def test_every_procedure_with_parameters_is_called_with_one_that_is_refused() -> None:
    assert set(REFUSED) == {each.procedure for each in PARAMETERS}


@pytest.fixture
def admin(connect_as: Connect) -> Iterator[Database]:
    """A session that waits for a lock for a second only, and sees what is open."""
    session = connect_as("admin")
    session.query("SET SESSION innodb_lock_wait_timeout = 1")
    yield session
    session.query("ROLLBACK")


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_procedure_refuses_inside_an_open_transaction_and_leaves_it_alone(
    connect_as: Connect, admin: Database, procedure: str
) -> None:
    shop = GoodCalls(connect_as("admin"), procedure)
    shop.db.query("START TRANSACTION")
    shop.db.query("UPDATE products SET name = 'changed' WHERE product_id = %s", shop.product)

    with pytest.raises(mysql.connector.Error) as refused:
        shop.call(procedure)

    assert refused.value.errno == 1568
    assert shop.db.value("SELECT name FROM products WHERE product_id = %s", shop.product) == "changed"
    assert admin.value("SELECT name FROM products WHERE product_id = %s", shop.product) == "Limited sneaker"
    shop.db.query("ROLLBACK")
    assert shop.db.value("SELECT name FROM products WHERE product_id = %s", shop.product) == "Limited sneaker"


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_session_without_autocommit_calls_again_and_again(connect_as: Connect, procedure: str, level: str) -> None:
    db, other = connect_as("dba"), connect_as("dba", autocommit=False)
    other.query(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    for _ in range(2):
        shop = GoodCalls(db, procedure)
        other.call(procedure, *shop.good(procedure).values())
        if procedure in REFUSED:
            wrong = {**shop.good(procedure), **REFUSED[procedure]}
            refusal(lambda w=wrong: other.call(procedure, *w.values()))


def test_the_conflict_of_an_order_key_leaves_nothing_open_without_autocommit(
    connect_as: Connect, db: Database, admin: Database
) -> None:
    product, key = new_product(db, 5), new_key()
    first, second = hold(db, product), hold(db, product)
    db.one("create_order", first, key)
    other = connect_as("dba", autocommit=False)

    for _ in range(2):
        assert refusal(lambda: other.one("create_order", second, key)).slug == "idempotency_key_reused"
        assert open_transactions(admin, other) == 0
    assert other.one("create_order", second, new_key())["status"] == "pending"
    assert other.one("create_order", first, key)["replayed"] == 1


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_call_leaves_no_transaction_open_and_no_row_locked_done_or_refused(
    connect_as: Connect, admin: Database, procedure: str
) -> None:
    shop = GoodCalls(connect_as("dba", autocommit=False), procedure)
    calls = [{}, REFUSED[procedure]] if procedure in REFUSED else [{}]
    for changed in calls:
        try:
            shop.call(procedure, **changed)
        except Refused:
            assert changed
        assert open_transactions(admin, shop.db) == 0
    admin.query("START TRANSACTION")
    admin.query("SELECT * FROM products WHERE product_id = %s FOR UPDATE", shop.product)
    admin.query("SELECT * FROM stock_stripes WHERE product_id = %s FOR UPDATE", shop.product)
    admin.query("SELECT * FROM holds WHERE product_id = %s FOR UPDATE", shop.product)
    admin.query("SELECT * FROM orders WHERE product_id = %s FOR UPDATE", shop.product)


@pytest.mark.parametrize("outcome", ["done", "refused"])
@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_call_does_not_change_the_isolation_level_of_the_callers_next_transaction(
    connect_as: Connect, admin: Database, procedure: str, outcome: str
) -> None:
    caller = GoodCalls(connect_as("admin"), procedure)
    changed = REFUSED.get(procedure, {}) if outcome == "refused" else {}
    try:
        caller.call(procedure, **changed)
    except Refused:
        assert changed

    assert next_isolation_level(caller.db) == "REPEATABLE READ"


@pytest.mark.parametrize("call", [("sweep",), ("expire_holds", 1), ("expire_orders", 1)], ids=lambda call: call[0])
def test_a_sweep_that_another_one_keeps_from_running_changes_no_isolation_level(
    connect_as: Connect, admin: Database, call: tuple[str, ...]
) -> None:
    caller = connect_as("admin")
    admin.query("DO GET_LOCK(LEFT(CONCAT('sweep.', DATABASE()), 64), 10)")
    assert caller.one(*call)["ran"] == 0
    admin.query("DO RELEASE_ALL_LOCKS()")

    assert next_isolation_level(caller) == "REPEATABLE READ"


def next_isolation_level(session: Database) -> str:
    """What the session's next transaction runs at."""
    session.query("START TRANSACTION")
    session.query("SELECT * FROM products LIMIT 1")
    level = session.value(
        "SELECT isolation_level FROM performance_schema.events_transactions_current"
        " JOIN performance_schema.threads USING (thread_id) WHERE processlist_id = CONNECTION_ID()"
    )
    session.query("ROLLBACK")
    return str(level)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_caller_in_a_stricter_isolation_level_gets_the_same_sale(
    connect_as: Connect, db: Database, level: str
) -> None:
    strict = connect_as("dba", autocommit=False)
    strict.query(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
    product = new_product(strict, 4, stripes=2, max_per_customer=2)

    hold_id = hold(db, product, 2, "alice")
    assert stock(strict, product) == (2, 2, 0)
    assert refusal(lambda: hold(strict, product, 1, "alice")).slug == "customer_limit_reached"
    db.one("release_hold", hold_id)
    order_id = order(strict, product, 2, "alice")
    assert pay(strict, order_id)["order_status"] == "paid"
    hold(db, product, 2, "bob")
    assert refusal(lambda: hold(strict, product, 1, "carol")).slug == "sold_out"
    strict.travel(121)
    hold(strict, product, 2, "carol")


@pytest.mark.parametrize(
    "procedure",
    ["get_product", "list_products", "get_hold", "get_order", "check_invariants", "health_check", "show_board"],
)
def test_reading_waits_for_nobody_in_any_isolation_level(connect_as: Connect, admin: Database, procedure: str) -> None:
    shop = GoodCalls(connect_as("dba", autocommit=False))
    shop.db.query("SET SESSION innodb_lock_wait_timeout = 1")
    shop.db.query("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    admin.query("START TRANSACTION")
    for table in ("products", "stock_stripes", "holds", "orders"):
        admin.query(f"SELECT * FROM {table} WHERE product_id = %s FOR UPDATE", shop.product)

    assert isinstance(shop.call(procedure), list)


@pytest.mark.parametrize(
    "procedure",
    ["create_hold", "create_order", "release_hold", "receive_payment_webhook", "cancel_pending_order"],
)
def test_the_answer_of_a_committed_call_waits_for_nobody(connect_as: Connect, admin: Database, procedure: str) -> None:
    """What a repeat reads may be locked by somebody else; it is only looked at."""
    shop = GoodCalls(connect_as("dba", autocommit=False))
    shop.db.query("SET SESSION innodb_lock_wait_timeout = 1")
    shop.db.query("SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    arguments = shop.good(procedure)
    first = shop.db.one(procedure, *arguments.values())
    admin.query("START TRANSACTION")
    for table in ("stock_stripes", "hold_history"):
        admin.query(f"SELECT * FROM {table} WHERE product_id = %s FOR UPDATE", shop.product)

    again = shop.db.one(procedure, *arguments.values())

    assert (again["replayed"], first["replayed"]) == (1, 0)


def test_a_failed_call_leaves_nothing_behind_and_the_next_buyer_proceeds(
    connect_as: Connect, db: Database, admin: Database
) -> None:
    product = new_product(db, 2)
    other = connect_as("dba", autocommit=False)
    other.query("SET SESSION innodb_lock_wait_timeout = 1")
    admin.query("START TRANSACTION")
    admin.query("SELECT * FROM stock_stripes WHERE product_id = %s FOR UPDATE", product)
    with pytest.raises(mysql.connector.Error) as timeout:
        hold(other, product)
    assert timeout.value.errno == 1205
    admin.query("ROLLBACK")

    assert open_transactions(admin, other) == 0
    assert stock(db, product) == (2, 0, 0)
    hold(db, product, 2)


def test_a_buyer_who_is_cut_off_in_the_middle_leaves_every_unit_counted(
    connect_as: Connect, db: Database, admin: Database
) -> None:
    product = new_product(db, 2)
    buyer, watcher = connect_as("dba"), connect_as("admin")
    number = int(buyer.value("SELECT CONNECTION_ID()"))
    admin.query("START TRANSACTION")
    admin.query("SELECT * FROM stock_stripes WHERE product_id = %s FOR UPDATE", product)

    def act(session: Database) -> None:
        if session is buyer:
            hold(buyer, product)
        else:
            until_somebody_waits(watcher)
            watcher.query(f"KILL {number}")

    cut_off, _ = at_once(act, [buyer, watcher])
    admin.query("ROLLBACK")

    assert isinstance(cut_off, mysql.connector.Error)
    assert stock(db, product) == (2, 0, 0)
    hold(db, product, 2)
