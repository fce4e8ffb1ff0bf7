"""What is asked again and again reads few rows, however much waits, also while MySQL takes the tables for empty."""

from collections.abc import Callable

import pytest

from api.gateway.sets import SETS
from api.routes import ROUTES
from tests.support.database import Database, Refused
from tests.support.emptying import empty_tables
from tests.support.good_calls import GoodCalls
from tests.support.hold_sets import hold_set, wish
from tests.support.outbox import claim, new_receiver, told
from tests.support.purchase_sets import order_set, order_wish, pay_set, success
from tests.support.rows_read import least_rows_read, rows_read
from tests.support.sale import new_product, sweep

ORDERS = 400
BUYERS_CALL = {each.procedure for each in ROUTES} | {each.procedure for each in SETS.values()}
READS_MORE = {"list_products": "it counts what is live", "health_check": "it reads MySQL's own dictionary"}


@pytest.fixture
def admin(connect_as: Callable[..., Database]) -> Database:
    """A session that counts, with statistics of tables without rows: as when a sale begins."""
    session = connect_as("admin")
    empty_tables(session, 1)
    for table in ("holds", "hold_history", "orders", "payments", "payment_webhooks", "notifications"):
        session.query(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {table}")
    return session


def unpaid_orders(db: Database, product: int, count: int) -> list[str]:
    """So many orders that wait for their payment."""
    ids: list[str] = []
    for _ in range(count // 100):
        held = hold_set(db, [wish(product) for _ in range(100)])
        ids += [row["order_id"] for row in order_set(db, [order_wish(row["hold_id"]) for row in held])]
    return ids


@pytest.mark.parametrize("what", ["the sweep", "a product", "a buyer who is refused"])
def test_orders_that_wait_for_their_payment_are_not_walked_over(db: Database, admin: Database, what: str) -> None:
    product = new_product(db, ORDERS)

    def refused() -> None:
        with pytest.raises(Refused, match="sold_out"):
            admin.call("create_hold", product, 1, None, None)

    call: Callable[[], object] = {
        "the sweep": lambda: sweep(admin),
        "a product": lambda: admin.call("get_product", product),
        "a buyer who is refused": refused,
    }[what]
    unpaid_orders(db, product, ORDERS)

    assert least_rows_read(admin, call, 3) < ORDERS / 2


def test_what_buyers_call_reads_no_more_when_others_have_bought_more(db: Database, admin: Database) -> None:
    def read_by(procedure: str) -> int:
        arguments = list(GoodCalls(admin, procedure).good(procedure).values())
        return rows_read(admin, lambda: admin.call(procedure, *arguments))

    def read() -> dict[str, int]:
        return {each: min(read_by(each) for _ in range(3)) for each in sorted(BUYERS_CALL - READS_MORE.keys())}

    product = new_product(db, 10 * ORDERS)
    pay_set(db, [success(order_id) for order_id in unpaid_orders(db, product, 100)])
    before = read()
    for _ in range(ORDERS // 100):
        hold_set(db, [wish(product) for _ in range(100)])
        unpaid_orders(db, product, 100)
        pay_set(db, [success(order_id) for order_id in unpaid_orders(db, product, 100)])

    assert {each: (before[each], count) for each, count in read().items() if count > before[each] + 100} == {}


@pytest.mark.parametrize("what", ["the sweep", "a claim", "a settlement"])
def test_notifications_that_wait_are_not_walked_over(db: Database, admin: Database, what: str) -> None:
    receiver = new_receiver()
    with told(db, receiver):
        unpaid_orders(db, new_product(db, ORDERS), ORDERS)
        [first, *_] = claim(db, receiver)
        call: Callable[[], object] = {
            "the sweep": lambda: sweep(admin),
            "a claim": lambda: admin.call("claim_notifications", receiver, 1, 30),
            "a settlement": lambda: admin.call("settle_notification", first["notification_id"], 1, None),
        }[what]

        assert least_rows_read(admin, call, 3) < ORDERS / 2


def test_the_invariants_read_each_payment_some_times_and_not_once_for_each_other(db: Database, admin: Database) -> None:
    product = new_product(db, ORDERS)
    for _ in range(ORDERS // 100):
        paid = pay_set(db, [success(order_id) for order_id in unpaid_orders(db, product, 100)])
        assert {row["answer"] for row in paid} == {"done"}

    assert least_rows_read(admin, lambda: admin.call("check_invariants"), 3) < 100 * ORDERS


@pytest.mark.parametrize("sale", [None, "open", "ended"])
def test_a_page_of_products_counts_no_units_of_those_that_are_not_on_it(
    db: Database, admin: Database, sale: str | None
) -> None:
    first, busy, *_, last = (new_product(db, ORDERS, stripes=1) for _ in range(100))
    db.one("stop_sale", last, "over")
    admin.query("ANALYZE NO_WRITE_TO_BINLOG TABLE products")

    def read() -> int:
        return least_rows_read(admin, lambda: admin.call("list_products", sale, first - 1, 1), 3)

    before = read()
    for _ in range(ORDERS // 100):
        hold_set(db, [wish(busy) for _ in range(100)])

    # MySQL may look at the products once more, but not at the holds of the busy one.
    assert read() < before + ORDERS // 2
