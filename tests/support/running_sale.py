"""A sale that goes on while something breaks: buyers who insist, each under keys of their own, and keep a ledger."""

import http.client
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.buyer import Buyer
from tests.support.database import Database
from tests.support.ledger import Ledger, assert_kept
from tests.support.sale import new_key, new_payment, new_product
from tests.support.waiting import wait_until

STOCK = 100_000
PATIENCE_SECONDS = 60


@dataclass
class RunningSale:
    """What the buyers saw: every answer by status, the orders that they were told are paid, and their ledger."""

    url: str
    product: int
    patience: float = PATIENCE_SECONDS
    beat: float = 0
    """Seconds: buyers begin a purchase together, at each multiple; 0: as soon as they can."""
    ledger: Ledger = field(default_factory=Ledger)
    answers: Counter[int] = field(default_factory=Counter)
    slowest: float = 0
    paid: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    crowd: list[Future[None]] = field(default_factory=list)

    def goes_on(self, purchases: int) -> None:
        """Wait until so many more purchases are complete."""
        goal = len(self.paid) + purchases
        wait_until(lambda: len(self.paid) >= goal or self.gave_up(), self.patience)

    def gave_up(self) -> bool:
        """Whether a buyer ended early; raises what the buyer could not accept."""
        return any(buyer.done() and buyer.result() is None for buyer in self.crowd)

    def insist(self, kind: str, key: str, request: Callable[[], httpx.Response]) -> dict[str, Any]:
        """Send a request until it is answered with anything but 503; write a yes down; return what it said."""
        self.ledger.intend(kind, key)
        deadline = time.monotonic() + self.patience
        while True:
            assert time.monotonic() < deadline, f"nobody answers: {self.answers}"
            began = time.monotonic()
            try:
                answer = request()
            except (OSError, http.client.HTTPException):
                self.answers[0] += 1
            else:
                self.slowest = max(self.slowest, time.monotonic() - began)
                self.answers[answer.status_code] += 1
                if answer.status_code != 503:
                    assert answer.status_code in (200, 201, 202), answer.text
                    said: dict[str, Any] = answer.json()
                    self.ledger.acknowledge(kind, key, said)
                    return said
                assert int(answer.headers["retry-after"]) >= 1
            time.sleep(0.05)

    def buy(self) -> None:
        """One buyer: purchase after purchase until the sale is over. Some are paid early, some are given up."""
        with Buyer(self.url) as buyer:
            for turn in itertools.count():
                if self.over.is_set():
                    return
                if self.beat:
                    time.sleep(-time.monotonic() % self.beat)
                hold_id = self.hold(buyer)
                if turn % 5 == 4:
                    self.insist("release", new_key(), lambda: buyer.release(hold_id))  # noqa: B023 - called at once
                else:
                    self.paid.append(self.purchase(buyer, hold_id, early=turn % 3 == 2))

    def hold(self, buyer: Buyer) -> str:
        """Hold a unit, however often it takes."""
        key = new_key()
        return str(self.insist("hold", key, lambda: buyer.hold(self.product, key=key))["hold_id"])

    def purchase(self, buyer: Buyer, hold_id: str, early: bool) -> str:
        """Order and pay, in this order or the other; return the id of the paid order."""
        order_key, payment_key, payment_id = new_key(), new_key(), new_payment()

        def pay() -> httpx.Response:
            return buyer.pay(hold_id, key=payment_key, payment_id=payment_id)

        steps = [
            lambda: self.insist("order", order_key, lambda: buyer.order(hold_id, order_key))["status"],
            lambda: self.insist("payment", payment_key, pay)["order_status"],
        ]
        [_, status] = [step() for step in (reversed(steps) if early else steps)]
        assert status == "paid"
        return hold_id


@contextmanager
def running_sale(
    url: str, db: Database, buyers: int = 6, patience: float = PATIENCE_SECONDS, beat: float = 0
) -> Iterator[RunningSale]:
    """Buyers buy while the block runs, and then finish what they began."""
    sale = RunningSale(url, new_product(db, STOCK, stripes=8, hold_seconds=3600), patience, beat)
    with ThreadPoolExecutor(buyers) as pool:
        sale.crowd = [pool.submit(sale.buy) for _ in range(buyers)]
        try:
            sale.goes_on(buyers)
            yield sale
        finally:
            sale.over.set()
    sale.gave_up()


def assert_sold_once(db: Database, sale: RunningSale) -> None:
    """What the buyers wrote down is what the database has: every paid order, and not one hold or order more."""
    assert_kept(db, sale.ledger, sale.product, STOCK)
    orders = db.query("SELECT order_uuid FROM orders WHERE product_id = %s AND status = 'paid'", sale.product)
    assert sorted(row["order_uuid"] for row in orders) == sorted(sale.paid)
    for kind in ("hold", "order", "payment"):
        assert {entry.key for entry in sale.ledger.acknowledged(kind)} == sale.ledger.intended(kind)
