"""`python -m loadtest.scale [ORDERS]`: what the lists and searches of a person on duty take beside a million orders.

A private MySQL is filled by set-based INSERTs: orders of ten products, the holds they were made of, holds that ended
unordered, payments, events, live holds. Each CALL is then made a few times and the median is printed; the exit status
is 1 when one that has to be quick is not. What is slow by nature (a walk over all orders, deleting) is printed only.
"""

import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from loadtest import stage
from loadtest.database import Database
from sql.deploy import migrate
from sql.deploy.session import scheduler_off
from sql.server.private import PrivateServer
from sql.server.state import STATE, Failure, say

ORDERS = 1_000_000
LIMIT_MS = 50
"""More than this a person notices, and a second one beside a sale takes from the buyers."""
TIMES = 7
CHUNK = 100_000
DAYS = 60
LIVE_HOLDS = 50_000
TOLD = 100_000
"""Notifications of which half were given up and half are pending, for a receiver that has been dead for days."""
STOCK = 10_000_000
PRODUCTS = 10
"""The first has half of the sale; the last was sold before all others, and nothing has happened to it since."""
RESELLER = "reseller"
REFERENCE = "shop-00001234"
# Nothing of this is measured, and none of it has to outlive the run.
SETTINGS = {"innodb_flush_log_at_trx_commit": "0", "sync_binlog": "0", "innodb_doublewrite": "OFF"}

# Of five holds one ended without an order. Of a hundred orders eight were cancelled or refunded.
_UNORDERED = "i MOD 5 = 0"
_STATUS = "CASE i MOD 100 DIV 4 WHEN 3 THEN 'refunded' WHEN 6 THEN 'cancelled' ELSE 'paid' END"
_CREATED = "(UTC_TIMESTAMP(6) - INTERVAL {days} DAY + INTERVAL i * {step} MICROSECOND)"
_ENDED = "({created} + INTERVAL 1 MINUTE)"
_CLOSED = "({created} + INTERVAL 1 HOUR)"
_UUID = (
    "CONCAT(UNHEX(LPAD(HEX(CAST(UNIX_TIMESTAMP({created}) * 1000 AS UNSIGNED)), 12, '0')),"
    " SUBSTR(UNHEX(SHA2(i, 256)), 1, 10) & X'0FFF3FFFFFFFFFFFFFFF' | X'70008000000000000000')"
)
_NUMBER = "LPAD(i, 8, '0')"
_CUSTOMER = f"IF(i MOD 50 = 1, '{RESELLER}', CONCAT('customer-', LPAD(i DIV 3, 8, '0')))"
_PRODUCT = f"IF(i <= {{quiet}}, {PRODUCTS}, IF(i MOD 2, 1, 2 + i DIV 2 MOD {PRODUCTS - 2}))"
_PAYMENT = f"CONCAT('pi_', {_NUMBER})"
_HISTORY = {
    "hold_history (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, expires_at,"
    " ended_at, ended_as)":
        f"{_UUID}, {_PRODUCT}, 1, {{price}}, {_CUSTOMER}, CONCAT('hold-', {_NUMBER}), {{created}},"
        f" {{created}} + INTERVAL 2 MINUTE, {{created}} + INTERVAL IF({_UNORDERED} AND i MOD 2, 2, 1) MINUTE,"
        f" IF({_UNORDERED}, IF(i MOD 2, 'expired', 'released'), 'ordered') FROM numbers",
    "orders (order_id, product_id, qty, customer_id, idempotency_key, reference, metadata, unit_price_minor,"
    " amount_minor, currency, status, payment_id, created_at, pay_by, paid_at, fulfilled_at, closed_at, cancelled_as,"
    " closed_reason)":
        f"{_UUID}, {_PRODUCT}, 1, {_CUSTOMER}, CONCAT('order-', {_NUMBER}), CONCAT('shop-', {_NUMBER}),"
        f" JSON_OBJECT('cart', i), {{price}}, {{price}}, 'EUR', {_STATUS},"
        f" IF({_STATUS} = 'cancelled', NULL, {_PAYMENT}), {_ENDED}, {_ENDED} + INTERVAL 15 MINUTE,"
        f" IF({_STATUS} = 'cancelled', NULL, {_ENDED}), IF({_STATUS} = 'paid' AND i MOD 2, {_CLOSED}, NULL),"
        f" IF({_STATUS} = 'paid', NULL, {_CLOSED}), IF({_STATUS} = 'cancelled', 'lapsed', NULL),"
        f" CASE {_STATUS} WHEN 'cancelled' THEN 'the payment failed' WHEN 'refunded' THEN 'refunded' END"
        f" FROM numbers WHERE NOT {_UNORDERED}",
    "payments (payment_id, order_id, state, amount_minor, currency, refund_told_minor, refunds_told, received_by,"
    " created_at, received_at, decided_at, reason)":
        f"{_PAYMENT}, {_UUID}, ELT(FIELD({_STATUS}, 'paid', 'refunded', 'cancelled'), 'paying', 'settled', 'failed'),"
        f" IF({_STATUS} = 'cancelled', NULL, {{price}}), IF({_STATUS} = 'cancelled', NULL, 'EUR'),"
        f" IF({_STATUS} = 'refunded', {{price}}, 0), {_STATUS} = 'refunded',"
        f" IF({_STATUS} = 'cancelled', NULL, CONCAT('evt_', {_NUMBER})), {_ENDED},"
        f" IF({_STATUS} = 'cancelled', NULL, {_ENDED}), {_ENDED}, IF({_STATUS} = 'refunded', 'payment refunded', NULL)"
        f" FROM numbers WHERE NOT {_UNORDERED}",
    "payment_webhooks (idempotency_key, payment_id, order_id, payment_status, amount_minor, currency, payload, outcome,"
    " deliveries, first_received_at, last_received_at, settled_at)":
        f"CONCAT('evt_', {_NUMBER}), {_PAYMENT}, {_UUID}, IF({_STATUS} = 'cancelled', 'failed', 'succeeded'),"
        f" {{price}}, 'EUR', JSON_OBJECT('id', CONCAT('evt_', {_NUMBER}), 'amount', {{price}}), 'applied', 1, {_ENDED},"
        f" {_ENDED}, {_ENDED} FROM numbers WHERE NOT {_UNORDERED}",
}  # fmt: skip
# Every so many numbers: an event that moved nothing, money that has to go back, of another amount, or that waits.
_IGNORED, _OTHER, _DUE, _MISMATCHED, _WAITING = 50, 101, 2_501, 6_251, 12_501


class Line(NamedTuple):
    """A CALL, and whether it has to be quick."""

    name: str
    call: str
    quick: bool = True
    times: int = TIMES


def main(arguments: list[str]) -> int:
    """Fill, measure and print; 1 when something that a person waits for is slow."""
    if len(arguments) > 1 or not all(argument.isdigit() and int(argument) >= 10_000 for argument in arguments):
        say("usage: python -m loadtest.scale [ORDERS] (10,000 at least)")
        return 2
    try:
        with _server() as database:
            fill(database, int(arguments[0]) if arguments else ORDERS)
            return _measure(database)
    except Failure as failure:
        say(str(failure))
        return 1


@contextmanager
def _server() -> Iterator[Database]:
    """A MySQL of this run's own, deployed, without its EVENT: nothing is to happen meanwhile."""
    STATE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="scale-", dir=STATE))
    root_password, *others = (secrets.token_urlsafe(12) for _ in range(3))
    try:
        with PrivateServer(folder, root_password=root_password, settings=SETTINGS, echo=lambda _: None) as server:
            migrate(server.admin_url(), others[0], others[1], echo=lambda _: None)
            with Database(server.admin_url()) as database, scheduler_off(database):
                yield database
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(database: Database, orders: int) -> None:
    """So many orders, and everything that comes with them."""
    began = time.monotonic()
    for number in range(PRODUCTS):
        database.create_product(f"product {number}", STOCK, stripes=16, hold_seconds=stage.HOLD_SECONDS)
    database.query(
        "SET SESSION sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0, cte_max_recursion_depth = 1000000"
    )
    # Ids are made of the time, and an order's must be its hold's.
    database.query("SET SESSION timestamp = UNIX_TIMESTAMP(NOW(6)) - 60")
    numbers = orders * 5 // 4
    created = _CREATED.format(days=DAYS, step=DAYS * 86_400_000_000 // numbers)
    names = {"created": created, "price": stage.PRICE, "quiet": numbers // 20}
    for first in range(0, numbers, CHUNK):
        last = min(first + CHUNK, numbers)
        database.query("START TRANSACTION")
        for target, rows in _HISTORY.items():
            _insert(database, target, rows.format(**names), first, last)
        database.query("COMMIT")
        say(f"{last:,} of {numbers:,} holds, {time.monotonic() - began:.0f} s")
    _fill_inbox(database, numbers, created, _UUID.format(**names))
    database.query("SET SESSION timestamp = DEFAULT")
    _insert(
        database,
        "holds (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at, expires_at)",
        f"{stage.UUID.format(age=LIVE_HOLDS)}, 1 + i MOD {PRODUCTS - 1}, 1, {stage.PRICE},"
        f" CONCAT('customer-', {_NUMBER}), CONCAT('live-', {_NUMBER}), UTC_TIMESTAMP(6),"
        " UTC_TIMESTAMP(6) + INTERVAL 1 DAY FROM numbers",
        0, LIVE_HOLDS,
    )  # fmt: skip
    for product in range(1, PRODUCTS + 1):
        stage.settle(database, product)
    _fill_outbox(database)
    stage.analyze(database)
    say(f"filled in {time.monotonic() - began:.0f} s")


def _fill_inbox(database: Database, numbers: int, created: str, uuid: str) -> None:
    """Events that do something else than paying an order, over the whole time."""
    events = (
        "payment_webhooks (idempotency_key, payment_id, order_id, payment_status, amount_minor, currency, outcome,"
        " reason, deliveries, first_received_at, last_received_at, settled_at)"
    )
    payments = (
        "payments (payment_id, order_id, state, amount_minor, currency, reason, received_by, created_at, received_at,"
        " decided_at)"
    )
    paid = f"FROM numbers WHERE {_STATUS} = 'paid' AND NOT {_UNORDERED} AND i MOD"
    for first in range(0, numbers, CHUNK):
        last = min(first + CHUNK, numbers)
        times = f"1, {created}, {created}, {created}"
        _insert(database, events, f"CONCAT('evt_i_', {_NUMBER}), {_PAYMENT}, {uuid}, 'failed', NULL, NULL, 'ignored',"
                f" 'the payment has succeeded', {times} {paid} {_IGNORED} = 1", first, last)  # fmt: skip
        _insert(database, events, f"CONCAT('evt_o_', {_NUMBER}), NULL, NULL, 'other', NULL, NULL, 'ignored',"
                f" 'an event of this kind moves no payment', {times} FROM numbers WHERE i MOD {_OTHER} = 1",
                first, last)  # fmt: skip
        _insert(database, events, f"CONCAT('evt_r_', {_NUMBER}), {_PAYMENT}, {uuid}, 'refunded', {stage.PRICE}, 'EUR',"
                f" 'applied', NULL, {times} FROM numbers WHERE {_STATUS} = 'refunded' AND NOT {_UNORDERED}",
                first, last)  # fmt: skip
        for every, prefix, amount, outcome, reason in (
            (_DUE, "d", stage.PRICE, "refund_due", "the order is paid by another payment"),
            (_MISMATCHED, "m", 1, "amount_mismatch", "another amount than the order costs"),
        ):
            name = f"CONCAT('pi_{prefix}_', {_NUMBER})"
            _insert(database, payments, f"{name}, {uuid}, 'due', {amount}, 'EUR', '{reason}',"
                    f" CONCAT('evt_{prefix}_', {_NUMBER}), {created}, {created}, {created} {paid} {every} = 1",
                    first, last)  # fmt: skip
            _insert(database, events, f"CONCAT('evt_{prefix}_', {_NUMBER}), {name}, {uuid}, 'succeeded', {amount},"
                    f" 'EUR', '{outcome}', '{reason}', {times} {paid} {every} = 1", first, last)  # fmt: skip
        waiting = f"FROM numbers WHERE i MOD {_WAITING} = 1"
        _insert(database, payments, f"CONCAT('pi_w_', {_NUMBER}), NULL, 'waiting', {stage.PRICE}, 'EUR', NULL,"
                f" CONCAT('evt_w_', {_NUMBER}), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) {waiting}",
                first, last)  # fmt: skip
        _insert(database, events, f"CONCAT('evt_w_', {_NUMBER}), CONCAT('pi_w_', {_NUMBER}), NULL, 'succeeded',"
                f" {stage.PRICE}, 'EUR', 'parked', NULL, 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), NULL {waiting}",
                first, last)  # fmt: skip


def _fill_outbox(database: Database) -> None:
    receiver = "https://shop.example/told"
    database.query("INSERT INTO notification_receivers VALUES (%s, UTC_TIMESTAMP(6))", receiver)
    stage.pending_notifications(database, receiver, TOLD)
    database.query(
        "UPDATE notifications SET state = 'failed', settled_at = UTC_TIMESTAMP(6), last_error = '503'"
        " WHERE notification_id MOD 2 = 0"
    )
    database.query("ANALYZE NO_WRITE_TO_BINLOG TABLE notifications")


def _insert(database: Database, target: str, rows: str, first: int, last: int) -> None:
    database.query(f"INSERT INTO {target} {stage.NUMBERS} SELECT {rows}", first, last)


def _measure(database: Database) -> int:
    """Print the table; 1 when a line that has to be quick is not."""
    [order] = database.query(
        "SELECT order_uuid, payment_id FROM orders WHERE status = 'paid' ORDER BY order_id LIMIT 1"
    )
    slow = []
    print(f"\n{'CALL':<70} {'rows':>6} {'median ms':>10}")
    [early] = database.query("SELECT order_uuid FROM orders ORDER BY order_id LIMIT 5000, 1")
    for line in lines(order["order_uuid"], order["payment_id"], early["order_uuid"]):
        times = []
        for _ in range(line.times):
            began = time.perf_counter()
            rows = database.query(f"CALL {line.call}")
            times.append((time.perf_counter() - began) * 1000)
        median = statistics.median(times)
        too_slow = line.quick and median >= LIMIT_MS
        slow += [line.name] * too_slow
        remark = f"  over {LIMIT_MS} ms" if too_slow else "" if line.quick else "  not limited"
        print(f"{line.name:<70} {len(rows):>6} {median:>10.1f}{remark}", flush=True)
    return 1 if slow else 0


def lines(order: str, payment: str, early: str) -> Iterator[Line]:
    """An old order's id and its payment's stand in for those that are asked for; `early` is an order far back."""
    recent = "UTC_TIMESTAMP(6) - INTERVAL 1 HOUR"
    yield Line("list_webhooks(NULL, an hour ago, 100)", f"list_webhooks(NULL, {recent}, 100)")
    yield Line("list_webhooks(NULL, NULL, 100)", "list_webhooks(NULL, NULL, 100)")
    for outcome in ("parked", "applied", "ignored", "amount_mismatch", "refund_due"):
        yield Line(f"list_webhooks({outcome}, NULL, 100)", f"list_webhooks('{outcome}', NULL, 100)")
    yield Line("list_refunds_due()", "list_refunds_due()")
    for by, text in (
        ("a customer", "customer-00123456"), (f"one who bought {RESELLER}'s many", RESELLER), ("an order's id", order),
        ("a payment's id", payment), ("an event's key", "evt_" + payment.removeprefix("pi_")), ("nobody's", "nobody"),
    ):  # fmt: skip
        yield Line(f"find_purchases({by})", f"find_purchases('{text}')")
    yield Line("list_ledger(the busiest product, NULL, 100)", "list_ledger(1, NULL, 100)")
    yield Line("list_ledger(one that was sold long ago, NULL, 100)", f"list_ledger({PRODUCTS}, NULL, 100)")
    yield Line("list_ledger(NULL, an order, NULL)", f"list_ledger(NULL, '{order}', NULL)")
    yield Line("get_order", f"get_order('{order}')")
    yield Line("get_product", "get_product(1)")
    for which, sale in (("all", "NULL"), ("open", "'open'"), ("sold out: hardly any", "'sold_out'")):
        yield Line(f"list_products({which}, first page)", f"list_products({sale}, NULL, 100)")
    customer, page = f"'{RESELLER}'", f"'{early}', 100"
    for by, filters in (
        ("nothing", "NULL, NULL, NULL"),
        (f"one who bought {RESELLER}'s many", f"{customer}, NULL, NULL"),
        ("a reference", f"NULL, '{REFERENCE}', NULL"),
        ("a status of most", "NULL, NULL, 'paid'"),
        ("a status of few", "NULL, NULL, 'refunded'"),
        ("a status of hardly any", "NULL, NULL, 'pending'"),
        ("a customer and a status", f"{customer}, NULL, 'refunded'"),
    ):
        yield Line(f"list_orders(by {by}, first page)", f"list_orders({filters}, NULL, 100)")
        yield Line(f"list_orders(by {by}, a page far back)", f"list_orders({filters}, {page})")
    yield Line("show_board", "show_board()")
    yield Line("list_tasks", "list_tasks()")
    for state in ("pending", "failed"):
        yield Line(f"list_notifications({state}, 100)", f"list_notifications('{state}', 100)")
    yield Line("health_check", "health_check()")
    yield Line("sale_overview", "sale_overview()", quick=False, times=3)
    yield Line("show_totals", "show_totals()", quick=False, times=3)
    yield Line("check_invariants", "check_invariants()", quick=False, times=1)
    yield Line("purge_history(30), half of it due", "purge_history(30)", quick=False, times=1)
    yield Line("purge_history(30), nothing due", "purge_history(30)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
