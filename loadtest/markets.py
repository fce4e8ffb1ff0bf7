"""Where a load test buys, and who judges it: the tables, where the database can be reached, else the API's figures."""

import json
import time
import urllib.error
import urllib.request
from typing import Any, Protocol
from urllib.parse import urlsplit

from loadtest.database import Database
from sql.deploy.session import Row
from sql.server.environment import private_server
from sql.server.state import Failure, say

HOLD_SECONDS = 5
"""Short, so that holds expire, and are sold again, within the run."""
PAYMENT_SECONDS = 6
EARLY_SECONDS = 3
"""Buyers are there before the sale opens."""
SETTLE_SECONDS = 30
MAX_PER_CUSTOMER = 4
REASON = "the load test is over"

Summary = dict[str, Any]


class Market(Protocol):
    """Products to buy, and a verdict."""

    products: list[int]

    def look(self) -> set[str]:
        """What is wrong in the middle of the sale."""

    def judge(self, summary: Summary) -> list[str]:
        """What is wrong after it."""

    def figures(self) -> list[Row]:
        """Of each product: product_id, stock_total, sold, free."""

    def close(self) -> None:
        """Leave nothing of the test on sale."""


def words(row: Row) -> str:
    """A row on one line, without what is NULL."""
    return ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)


class TableMarket:
    """Products of the test's own, in a database that can be reached; they are archived afterwards."""

    def __init__(self, admin_url: str, profile: str, stock: int) -> None:
        self.database = Database(admin_url)
        self._profile = profile
        common = {"hold_seconds": HOLD_SECONDS, "payment_seconds": PAYMENT_SECONDS, "starts_in": EARLY_SECONDS}
        create = self.database.create_product
        # One product as most are, and one whose customers may not have as much as they like.
        self.products = [] if profile == "bots" else [create("Load test", stock, **common)]
        if profile in ("edge", "bots"):
            self.products.append(create("Load test, limited", stock, max_per_customer=MAX_PER_CUSTOMER, **common))

    def look(self) -> set[str]:
        """Violations of invariants; exact under load."""
        return {f"during the sale: {words(row)}" for row in self.database.violations()}

    def judge(self, summary: Summary) -> list[str]:
        """By the tables and by what the buyers were told. Raises Failure when the sale does not come to its end."""
        self._settle()
        faults = [f"after the sale: {words(row)}" for row in self.database.violations()]
        holds = 0
        for product_id in self.products:
            units, shown = self.database.units(product_id), self.database.row("CALL get_product(%s)", product_id)
            holds += units["holds"]
            if units["sold"] > units["stock_total"]:
                faults.append(f"product {product_id} is oversold: {words(units)}")
            if (shown["available"], shown["held"], shown["sold"]) != (units["free"], units["held"], units["sold"]):
                faults.append(f"get_product({product_id}) shows {words(shown)}, the tables {words(units)}")
            if units["sold"] == 0 and self._profile != "bots":
                faults.append(f"nothing of product {product_id} was sold")
        acknowledged = summary["counts"].get("holds", 0)
        if acknowledged != holds:
            faults.append(f"buyers were told of {acknowledged} holds, the tables have {holds}")
        return faults

    def figures(self) -> list[Row]:
        """By the tables."""
        return [{"product_id": product_id} | self.database.units(product_id) for product_id in self.products]

    def close(self) -> None:
        """Archive the products. One that is still held or unpaid stays, with its sale stopped."""
        for product_id in self.products:
            self.database.query("CALL stop_sale(%s, %s, NULL)", product_id, REASON)
        try:
            self._settle()
            for product_id in self.products:
                self.database.query("CALL archive_product(%s, %s, NULL)", product_id, REASON)
        except Failure as failure:
            say(f"the products of the test are stopped, not archived: {failure}")
        self.database.close()

    def _settle(self) -> None:
        """Wait until the last holds and unpaid orders ran out. Raises Failure when they don't, sweep and all."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while any(units["held"] or units["pending"] for units in map(self.database.units, self.products)):
            if time.monotonic() > deadline:
                raise Failure(f"holds and unpaid orders were still not given back {SETTLE_SECONDS} s after the sale")
            # The EVENT does the same; where it is off, the verdict is not about it.
            self.database.query("CALL sweep()")
            time.sleep(0.5)


class ApiMarket:
    """Products that are on sale at an API of which only the address is known."""

    def __init__(self, host: str, key: str, products: tuple[int, ...]) -> None:
        self._host = host
        self._key = key
        self.products = list(products) or self._on_sale()
        self._before = {product_id: self._product(product_id) for product_id in self.products}

    def look(self) -> set[str]:
        """Whether every unit is in one place."""
        found = set()
        for product_id in self.products:
            shown = self._product(product_id)
            if shown["available"] + shown["held"] + shown["sold"] != shown["stock_total"]:
                found.add(f"during the sale: the units of product {product_id} do not add up: {words(shown)}")
            if min(shown["available"], shown["held"], shown["sold"]) < 0:
                found.add(f"during the sale: product {product_id} has fewer than no units: {words(shown)}")
        return found

    def judge(self, summary: Summary) -> list[str]:
        """What this test's buyers paid for must have been there, and must be among what is sold now."""
        faults = sorted(self.look())
        for product_id in self.products:
            before, after = self._before[product_id], self._product(product_id)
            paid = summary["counts"].get(f"units paid of product {product_id}", 0)
            if paid > before["available"] + before["held"]:
                faults.append(f"product {product_id} is oversold: {paid} units paid, before it was {words(before)}")
            if after["sold"] < before["sold"] + paid:
                faults.append(
                    f"product {product_id}: {paid} units paid, of which {after['sold'] - before['sold']} are sold"
                )
        if not summary["counts"].get("holds"):
            faults.append("nobody got a hold")
        return faults

    def figures(self) -> list[Row]:
        """As the API tells them."""
        shown = [self._product(product_id) for product_id in self.products]
        return [{**each, "free": each["available"]} for each in shown]

    def close(self) -> None:
        """Nothing was made, so nothing is left."""

    def _on_sale(self) -> list[int]:
        [*names] = [
            each["product_id"]
            for each in self._get("/api/products")["products"]
            if each["name"].startswith("Load test") and each["available"] > 0
        ]
        if not names:
            raise Failure(
                "which products? Give PRODUCTS=<ids>, or put one on sale whose name begins with 'Load test', or set"
                " FLASHSALE_ADMIN_URL to the database of this API"
            )
        return names

    def _product(self, product_id: int) -> Row:
        return self._get(f"/api/products/{product_id}")

    def _get(self, path: str) -> Row:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self._host + path, headers=headers), timeout=30
            ) as answer:
                found: Row = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            hint = "; say KEY=<an API key of this service>" if error.code == 401 else ""
            raise Failure(
                f"{self._host}{path} answers {error.code}: {error.read(500).decode(errors='replace')}{hint}"
            ) from None
        except (OSError, ValueError) as error:
            raise Failure(f"{self._host}{path} does not answer: {error}") from None


def own_database(host: str) -> str:
    """The database of this checkout's `make run`, where it runs and the address may be its API's; else nothing."""
    server = private_server()
    here = urlsplit(host).hostname in ("127.0.0.1", "::1", "localhost")
    return server.admin_url() if here and server.running() else ""


def sells_from(host: str, key: str, tables: TableMarket) -> bool:
    """Whether that API sells what is in this database."""
    try:
        ApiMarket(host, key, tuple(tables.products))
    except Failure:
        return False
    return True
