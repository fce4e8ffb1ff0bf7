"""A sale that goes on while something breaks: buyers who insist, each step under a key of its own."""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.support.database import Database
from tests.support.sale import new_key, new_product, stock
from tests.support.shop import Buyer
from tests.support.waiting import wait_until

STOCK = 100_000
PATIENCE_SECONDS = 60


@dataclass
class Sale:
    """What the buyers saw: every answer by status, and the orders that they were told are paid."""

    url: str
    product: int
    answers: Counter[int] = field(default_factory=Counter)
    paid: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    crowd: list[Future[None]] = field(default_factory=list)

    def goes_on(self, purchases: int) -> None:
        """Wait until so many more purchases are complete."""
        goal = len(self.paid) + purchases
        wait_until(lambda: len(self.paid) >= goal or self.gave_up(), PATIENCE_SECONDS)

    def gave_up(self) -> bool:
        """Whether a buyer ended early; raises what the buyer could not accept."""
        return any(buyer.done() and buyer.result() is None for buyer in self.crowd)

    def insist(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        """Send a request until it is answered with anything but 503."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            assert time.monotonic() < deadline, f"nobody answers: {self.answers}"
            try:
                answer = request()
            except (OSError, http.client.HTTPException):
                self.answers[0] += 1
            else:
                self.answers[answer.status_code] += 1
                if answer.status_code != 503:
                    return answer
                assert int(answer.headers["retry-after"]) >= 1
            time.sleep(0.02)

    def buy(self) -> None:
        """One buyer: purchase after purchase until the sale is over."""
        with Buyer(self.url) as buyer:
            while not self.over.is_set():
                self.paid.append(self.purchase(buyer))

    def purchase(self, buyer: Buyer) -> str:
        """Hold, order and pay, however often it takes; return the id of the paid order."""
        hold_key, order_key, payment_key = new_key(), new_key(), new_key()
        held = self.insist(lambda: buyer.hold(self.product, key=hold_key))
        assert held.status_code in (200, 201), held.text
        hold_id = str(held.json()["hold_id"])
        ordered = self.insist(lambda: buyer.order(hold_id, order_key))
        assert ordered.status_code in (200, 201), ordered.text
        paid = self.insist(lambda: buyer.pay(hold_id, key=payment_key))
        assert (paid.status_code, paid.json()["order_status"]) == (200, "paid"), paid.text
        return hold_id


@contextmanager
def running_sale(url: str, db: Database, buyers: int = 6) -> Iterator[Sale]:
    """Buyers buy while the block runs, and then finish what they began."""
    sale = Sale(url, new_product(db, STOCK, stripes=8))
    with ThreadPoolExecutor(buyers) as pool:
        sale.crowd = [pool.submit(sale.buy) for _ in range(buyers)]
        try:
            sale.goes_on(buyers)
            yield sale
        finally:
            sale.over.set()
    sale.gave_up()


def assert_sold_once(db: Database, sale: Sale) -> None:
    """What the buyers were told is what the database has: every paid order, and not one hold or order more."""
    orders = db.query("SELECT order_uuid FROM orders WHERE product_id = %s AND status = 'paid'", sale.product)
    assert sorted(row["order_uuid"] for row in orders) == sorted(sale.paid)
    assert stock(db, sale.product) == (STOCK - len(sale.paid), 0, len(sale.paid))
    holds = db.value("SELECT COUNT(*) FROM hold_history WHERE product_id = %s", sale.product)
    assert holds == len(sale.paid)
