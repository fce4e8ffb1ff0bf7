"""Puts rows on the stage before the clock runs, fast: by the administrator, in plain SQL; every invariant holds."""

import random

from loadtest.database import Database

TABLES = (
    "holds", "hold_history", "orders", "payments", "payment_webhooks", "customer_units", "stock_adjustments",
    "stock_stripes", "products",
)  # fmt: skip
HOLD_SECONDS = 86400
"""No hold ends during a round, unless it is what is measured."""
PRICE = 12900

NUMBERS = "WITH RECURSIVE numbers (i) AS (SELECT %s + 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %s) "
UUID = (
    "CONCAT(UNHEX(LPAD(HEX(CAST(UNIX_TIMESTAMP(NOW(6)) * 1000 AS UNSIGNED) - {age} + i), 12, '0')),"
    " SUBSTR(UNHEX(SHA2(i, 256)), 1, 10) & X'0FFF3FFFFFFFFFFFFFFF' | X'70008000000000000000')"
)
"""A UUID of version 7, as create_hold makes them, of `age` ms ago and for each number another."""
KEY = "BIN_TO_UUID(SUBSTR(UNHEX(SHA2(i, 256)), 1, 16))"


def clear(database: Database) -> None:
    """An empty shop: every round finds the tables as the first one did."""
    database.query("SET SESSION foreign_key_checks = 0, cte_max_recursion_depth = 1000000")
    for table in TABLES:
        database.query(f"TRUNCATE TABLE {table}")
    database.query("SET SESSION foreign_key_checks = 1")


def live_holds(database: Database, product: int, count: int) -> list[bytes]:
    """So many live holds of one unit; their ids, shuffled: orders come in no order."""
    _holds(database, product, count, "UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 DAY")
    return _shuffled(database, "SELECT hold_uuid AS id FROM holds")


def expired_holds(database: Database, product: int, count: int) -> None:
    """So many holds of one unit that have just expired, and are not yet swept."""
    _holds(database, product, count, "UTC_TIMESTAMP(6) - INTERVAL 2 MINUTE, UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")


def unpaid_orders(database: Database, product: int, count: int) -> list[bytes]:
    """So many orders of one unit that wait for their payment; their ids, shuffled: payments come in no order."""
    database.query(
        "INSERT INTO hold_history (hold_id, product_id, qty, unit_price_minor, idempotency_key, created_at, expires_at,"
        f" ended_at, ended_as) {NUMBERS} SELECT {UUID.format(age=0)}, %s, 1, %s, {KEY}, UTC_TIMESTAMP(6),"
        " UTC_TIMESTAMP(6) + INTERVAL 1 DAY, UTC_TIMESTAMP(6), 'ordered' FROM numbers",
        0, count, product, PRICE,
    )  # fmt: skip
    database.query(
        "INSERT INTO orders (order_id, product_id, qty, idempotency_key, unit_price_minor, amount_minor, currency,"
        " status, created_at, pay_by)"
        " SELECT hold_id, product_id, qty, idempotency_key, unit_price_minor, unit_price_minor * qty, 'EUR', 'pending',"
        "        ended_at, expires_at FROM hold_history WHERE product_id = %s",
        product,
    )  # fmt: skip
    settle(database, product)
    analyze(database)
    return _shuffled(database, "SELECT order_uuid AS id FROM orders")


def pending_notifications(database: Database, receiver: str, count: int) -> None:
    """So many notifications that are due, each of another hold, as those that expired before are told of."""
    database.query(
        "INSERT INTO notifications (receiver, kind, subject, body, created_at, due_at, gives_up_at)"
        f" {NUMBERS} SELECT %s, 'hold.expired', {KEY}, JSON_OBJECT('type', 'hold.expired',"
        " 'timestamp', DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%T.%fZ'),"
        f" 'data', JSON_OBJECT('hold_id', {KEY}, 'product_id', 1, 'qty', 1, 'status', 'expired')),"
        " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 3 DAY FROM numbers",
        0, count, receiver,
    )  # fmt: skip


def settle(database: Database, product: int) -> None:
    """Spread what is neither held nor sold evenly over the stripes."""
    database.query(
        """
        UPDATE stock_stripes AS s
          JOIN products AS p ON p.product_id = s.product_id
          JOIN (SELECT (SELECT COALESCE(SUM(qty), 0) FROM holds WHERE product_id = %s)
                       + (SELECT COALESCE(SUM(qty), 0) FROM orders
                           WHERE product_id = %s AND status IN ('pending', 'paid')) AS units) AS taken
           SET s.available = (p.stock_total - taken.units) DIV p.stripes
                             + (s.stripe < (p.stock_total - taken.units) MOD p.stripes)
         WHERE p.product_id = %s
        """,
        product, product, product,
    )  # fmt: skip


def analyze(database: Database) -> None:
    """Let the optimizer know the tables at once, which in a shop that grows it does in passing."""
    database.query(f"ANALYZE NO_WRITE_TO_BINLOG TABLE {', '.join(TABLES)}")


def _shuffled(database: Database, query: str) -> list[bytes]:
    ids = [row["id"].encode() for row in database.query(query)]
    random.Random(len(ids)).shuffle(ids)
    return ids


def _holds(database: Database, product: int, count: int, times: str) -> None:
    database.query(
        f"INSERT INTO holds (hold_id, product_id, qty, unit_price_minor, idempotency_key, created_at, expires_at)"
        f" {NUMBERS} SELECT {UUID.format(age=0)}, %s, 1, %s, {KEY}, {times} FROM numbers",
        0, count, product, PRICE,
    )  # fmt: skip
    settle(database, product)
    analyze(database)
