"""What the board shows, and what it should show, as MySQL's tables have it."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from playwright.sync_api import Page

from tests.support.database import Database
from tests.support.sale import hold, new_product, order, pay
from tests.support.waiting import wait_until

_READ = """product => Object.fromEntries([...document.querySelectorAll(`[data-product="${product}"] [data-figure]`)]
  .map(element => [element.dataset.figure, element.textContent]))"""
_READ_PAYMENTS = """[...document.querySelectorAll('#payments > div')].map(({children: [, figure, hint], classList}) =>
  [figure.dataset.figure, figure.textContent, hint.textContent, classList.contains('attention')])"""
MONEY = ("takings", "given_back")


def furnish(db: Database) -> None:
    """A shop with a product in each state that a card can show, and payments that wait for a person."""

    def moment(seconds: int) -> object:
        return db.value("SELECT UTC_TIMESTAMP(6) + INTERVAL %s SECOND", seconds)

    busy = new_product(db, 60, price=12900)
    hold(db, busy, 3)
    order(db, busy)
    pay(db, order(db, busy, 2))
    pay(db, order(db, busy), "failed")
    pay(db, order(db, busy), amount=1, currency="EUR")
    pay(db, hold(db, busy))
    hold(db, new_product(db, 5), 5)
    new_product(db, 5, sale_starts_at=moment(3600))
    new_product(db, 5, sale_starts_at=moment(-60), sale_ends_at=moment(-30))
    db.call("pause_sale", new_product(db, 5), "a test")
    db.call("stop_sale", new_product(db, 5), "a test")


def wait_for_page(condition: Callable[[], bool]) -> None:
    """Poll until the page shows what it should; asking a browser a hundred times a second keeps it from working."""
    wait_until(condition, 20, 0.1)


def shown(page: Page, product: int) -> dict[str, Any]:
    """The figures of a product's card: numbers, and money as it is written."""
    texts = page.evaluate(_READ, product)
    return {name: text if name in MONEY else number(text) for name, text in texts.items()}


def number(text: str) -> int | None:
    """A number as the page writes it; None while there is none."""
    digits = re.sub(r"[^\d-]", "", text)
    return int(digits) if digits else None


def counted(db: Database, product: int) -> dict[str, Any]:
    """The same figures, counted in the tables by statements of this test's own. Money in EUR."""
    row = db.one("get_product", product)
    orders = {
        each["status"]: each
        for each in db.query(
            "SELECT o.status, COUNT(*) AS orders, SUM(o.amount_minor) - SUM(COALESCE(w.refunded_minor, 0)) AS kept,"
            " SUM(COALESCE(w.refunded_minor, 0)) AS given_back, SUM(o.closed_reason = 'payment failed') AS failed,"
            " SUM(o.fulfilled_at IS NOT NULL) AS fulfilled"
            " FROM orders AS o LEFT JOIN payments AS w ON w.payment_id = o.payment_id"
            " WHERE o.product_id = %s GROUP BY o.status", product,
        )
    }  # fmt: skip
    live = db.query(
        "SELECT expires_at FROM holds WHERE product_id = %s AND expires_at > UTC_TIMESTAMP(6)", product
    )  # fmt: skip

    def count(status: str, column: str = "orders") -> int:
        return int(orders[status][column]) if status in orders else 0

    return {
        "left": row["available"], "available": row["available"], "held": row["held"], "sold": row["sold"],
        "live_holds": len(live), "expiring_within_10_s": 0, "expiring_within_30_s": 0,
        "orders_pending": count("pending"), "orders_paid": count("paid"), "orders_cancelled": count("cancelled"),
        "payments_failed": count("cancelled", "failed"), "orders_refunded": count("refunded"),
        "orders_fulfilled": sum(count(status, "fulfilled") for status in orders),
        "takings": f"€{count('paid', 'kept') / 100:,.2f}",
        "given_back": f"€{sum(count(status, 'given_back') for status in orders) / 100:,.2f}",
    }  # fmt: skip


class Tile(NamedTuple):
    """A figure as it is written, the words below it, and whether it asks for attention."""

    text: str
    hint: str
    attention: bool


def payments_shown(page: Page) -> dict[str, Tile]:
    """The figures of the payments of all products."""
    return {name: Tile(*tile) for name, *tile in page.evaluate(_READ_PAYMENTS)}


def requests_for_holds(page: Page) -> dict[str, int]:
    """The last column of the table below the chart, by line."""
    rows: list[list[str]] = page.evaluate(
        "[...document.querySelectorAll('#rates tr')].map(row => [row.dataset.series, row.lastElementChild.textContent])"
    )
    return {name: number(total) or 0 for name, total in rows}
