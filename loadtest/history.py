"""Rows of history: what holds and reads cost beside millions of ended holds and orders of the same product.

The history lies in a database of its own on the same server: its rounds interleave with those of a cleared testbed.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loadtest import stage
from loadtest.lines import CALL, CLIENTS, GET_CALL
from loadtest.measure import Round
from loadtest.messages import Requests, call_hold
from loadtest.testbed import PLENTY, Testbed
from loadtest.wire import DONE
from sql.server.state import say

CHUNK = 100_000
SETTLE_SECONDS = 60
CLEAN_PAGES = 200
# Of ten ended holds that are history, two became orders; thus of ten rows, eight are ended holds and two orders.
_ORDERED = "i MOD 4 = 0"
# Ascending within a load, so that loading appends, and over all of the index, so that a buyer's key falls anywhere.
_KEY = "CONCAT(LPAD(LOWER(HEX((i - {low}) * 4294967295 DIV {range})), 8, '0'), '-', LEFT(SHA2(i, 256), 27))"
_CREATED = "UTC_TIMESTAMP(6) - INTERVAL 20 DAY + INTERVAL i * 100000 MICROSECOND"


@dataclass(frozen=True)
class PairedRounds:
    """Rounds in pairs: one of a cleared testbed, one of the testbed that has so many rows of history."""

    rows: int
    without: Mapping[str, list[Round]] = field(default_factory=lambda: {CALL: [], GET_CALL: []})
    beside: Mapping[str, list[Round]] = field(default_factory=lambda: {CALL: [], GET_CALL: []})
    load_seconds: float = 0.0


def measure(cleared: Testbed, old: Testbed, sizes: Sequence[int], rounds: Sequence[int]) -> list[PairedRounds]:
    """The rounds at each size, smallest first. `old` is a testbed on a database that has nothing yet."""
    old.database.query(
        "SET SESSION sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0, cte_max_recursion_depth = 1000000"
    )
    products = {False: 0, True: old.product(PLENTY)}
    results = []
    loaded = 0
    for size, times in zip(sizes, rounds, strict=True):
        began = time.monotonic()
        _load(old, products[True], loaded, size)
        loaded = size
        result = PairedRounds(size, load_seconds=time.monotonic() - began)
        say(f"{size:,} rows of history, loaded in {result.load_seconds:.0f} s")
        for number in range(times):
            for beside in (False, True) if number % 2 else (True, False):
                testbed, figures = (old, result.beside) if beside else (cleared, result.without)
                if not beside:
                    stage.clear(testbed.database)
                    products[False] = testbed.product(PLENTY)
                figures[CALL].append(_holds(testbed, products[beside]))
                figures[GET_CALL].append(_reads(testbed, products[beside]))
                rates = f"{figures[CALL][-1].rate:.0f} holds/s, {figures[GET_CALL][-1].rate:.0f} reads/s"
                say(f"  {rates} {'beside them' if beside else 'without'}")
        old.checks.none(f"check_invariants() with {size} rows of history", old.database.violations())
        results.append(result)
    return results


def _holds(testbed: Testbed, product: int) -> Round:
    done = testbed.load(CALL, call_hold(product), {DONE}, CLIENTS)
    # Not by check_invariants(), which reads all of the history: it follows when the rounds of this size are done.
    held = testbed.database.row(
        "SELECT CAST(COALESCE(SUM(qty), 0) AS SIGNED) AS n FROM holds WHERE product_id = %s", product
    )["n"]
    testbed.checks.equal(f"units held of product {product}", done.outcomes[DONE], held)
    testbed.database.query("TRUNCATE TABLE holds")
    stage.settle(testbed.database, product)
    return done


def _reads(testbed: Testbed, product: int) -> Round:
    return testbed.load(GET_CALL, Requests((b"CALL get_product(%d)" % product,)), {DONE}, CLIENTS)


def _load(testbed: Testbed, product: int, loaded: int, size: int) -> None:
    """From so many rows to so many, in chunks; then wait till they are on disk."""
    low, high = loaded * 4 // 5, size * 4 // 5
    key = _KEY.format(low=low, range=max(high - low, 1))
    payment = f"CONCAT('pi_', {key})"
    uuid = stage.UUID.format(age=20 * 86_400_000)
    # Ids are made of the time, and an order's must be its hold's.
    testbed.database.query("SET SESSION timestamp = UNIX_TIMESTAMP(NOW(6))")
    for first in range(low, high, CHUNK):
        testbed.database.query("START TRANSACTION")
        for target, rows in (
            ("hold_history (hold_id, product_id, qty, unit_price_minor, customer_id, idempotency_key, created_at,"
             " expires_at, ended_at, ended_as)",
             f"SELECT {uuid}, %s, 1, {stage.PRICE}, CONCAT('customer-', i), {key}, {_CREATED},"
             f" {_CREATED} + INTERVAL 2 MINUTE, {_CREATED} + INTERVAL IF({_ORDERED}, 1, 2) MINUTE,"
             f" IF({_ORDERED}, 'ordered', 'expired') FROM numbers"),
            ("orders (order_id, product_id, qty, customer_id, idempotency_key, unit_price_minor, amount_minor,"
             " currency, status, payment_id, created_at, pay_by, paid_at)",
             f"SELECT {uuid}, %s, 1, CONCAT('customer-', i), {key}, {stage.PRICE}, {stage.PRICE}, 'EUR', 'paid',"
             f" {payment}, {_CREATED}, {_CREATED} + INTERVAL 15 MINUTE, {_CREATED} + INTERVAL 1 MINUTE"
             f" FROM numbers WHERE {_ORDERED}"),
            ("payments (payment_id, order_id, state, amount_minor, currency, received_by, created_at, received_at,"
             " decided_at)",
             f"SELECT {payment}, {uuid}, 'paying', {stage.PRICE}, 'EUR', {key}, {_CREATED}, {_CREATED}, {_CREATED}"
             f" FROM numbers WHERE {_ORDERED} AND %s"),
            ("payment_webhooks (idempotency_key, payment_id, order_id, payment_status, amount_minor, currency, outcome,"
             " deliveries, first_received_at, last_received_at, settled_at)",
             f"SELECT {key}, {payment}, {uuid}, 'succeeded', {stage.PRICE}, 'EUR', 'applied', 1, {_CREATED},"
             f" {_CREATED}, {_CREATED} FROM numbers WHERE {_ORDERED} AND %s"),
        ):  # fmt: skip
            testbed.database.query(
                f"INSERT INTO {target} {stage.NUMBERS} {rows}", first, min(first + CHUNK, high), product
            )
        testbed.database.query("COMMIT")
    testbed.database.query("SET SESSION timestamp = DEFAULT")
    stage.settle(testbed.database, product)
    stage.analyze(testbed.database)
    _wait_till_flushed(testbed)


def _wait_till_flushed(testbed: Testbed) -> None:
    """What is still to be written would be measured as the next buyer's."""
    testbed.database.query("SET GLOBAL innodb_max_dirty_pages_pct = 0")
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        [row] = testbed.database.query("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'")
        if int(row["Value"]) < CLEAN_PAGES:
            break
        time.sleep(0.2)
    testbed.database.query("SET GLOBAL innodb_max_dirty_pages_pct = DEFAULT")
