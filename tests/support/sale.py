"""Words for a sale: products, holds, orders, payments, and many buyers at the same instant."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import mysql.connector

from sql.deploy.session import scheduler_off
from tests.support.database import Database, Refused, Row
from tests.support.waiting import LOOK_AGAIN

T = TypeVar("T")
A = TypeVar("A")


EVENT = "ALTER DEFINER = flashsale_owner@localhost EVENT sweep_expired"


@contextmanager
def nobody_sweeps(admin: Database) -> Iterator[None]:
    """Every sweep believes that another one is at work: of no product anything expires, or is told by the sweep."""
    assert admin.value("SELECT GET_LOCK('sweep.flashsale', 30)") == 1
    try:
        yield
    finally:
        admin.query("DO RELEASE_LOCK('sweep.flashsale')")


def stop_sweeping(admin: Database, how: str) -> None:
    """Without the EVENT ('DISABLE'), or without all ('OFF')."""
    if how == "DISABLE":
        with scheduler_off(admin):
            admin.query(f"{EVENT} DISABLE")
    else:
        admin.query("SET GLOBAL event_scheduler = OFF")


def go_on_sweeping(admin: Database) -> None:
    """As it is deployed."""
    admin.query(f"{EVENT} ENABLE")
    admin.query("SET GLOBAL event_scheduler = ON")


def new_key() -> str:
    """A key nobody used before."""
    return str(uuid.uuid4())


def new_payment() -> str:
    """An id that the provider never gave to a payment before."""
    return f"pi_{uuid.uuid4().hex}"


def new_product(
    db: Database,
    stock: int,
    *,
    price: int = 1000,
    stripes: int | None = None,
    hold_seconds: int | None = None,
    payment_seconds: int | None = None,
    max_per_hold: int | None = None,
    max_per_customer: int | None = None,
    sale_starts_at: object = None,
    sale_ends_at: object = None,
) -> int:
    """Put a product on sale, in EUR, and return its id; None is the procedure's default."""
    row = db.one(
        "create_product", "Limited sneaker", price, "EUR", stock, stripes, hold_seconds, payment_seconds,
        max_per_hold, max_per_customer, sale_starts_at, sale_ends_at,
    )  # fmt: skip
    return int(row["product_id"])


def hold(db: Database, product: int, qty: int = 1, customer: str | None = None, key: str | None = None) -> str:
    """Hold units and return the id of the hold."""
    return str(db.one("create_hold", product, qty, customer, key or new_key())["hold_id"])


def order(db: Database, product: int, qty: int = 1, customer: str | None = None) -> str:
    """Hold and order units; return the id of the order."""
    return str(db.one("create_order", hold(db, product, qty, customer), new_key())["order_id"])


def pay(
    db: Database, order_id: str | None, status: str = "succeeded", amount: int | None = None,
    currency: str | None = None, key: str | None = None, payment: str | None = None,
) -> Row:  # fmt: skip
    """Deliver a payment event and return what it did; `payment` is the provider's id of the payment."""
    return db.one("receive_payment_webhook", key or new_key(), order_id, payment, status, amount, currency, None, None)


def said(event: Row) -> tuple[str, str | None]:
    """What an event did, and where its order stands."""
    return event["outcome"], event["order_status"]


def lapsed_order(db: Database, product: int, qty: int = 1, customer: str | None = None) -> str:
    """An order whose payment failed, so that its units are on sale again."""
    order_id = order(db, product, qty, customer)
    assert said(pay(db, order_id, "failed")) == ("applied", "cancelled")
    return order_id


def payments_of(db: Database, order_id: str) -> dict[str, Row]:
    """The payments of an order or a hold, by their id: state, amount, currency, went_back, dispute."""
    rows = db.query(
        "SELECT payment_id, state, amount_minor AS amount, currency, refunded_minor AS went_back, dispute FROM payments"
        " WHERE order_uuid = %s", order_id,
    )  # fmt: skip
    return {row.pop("payment_id"): row for row in rows}


def refunds_due(db: Database, order_id: str | None) -> dict[str, int | None]:
    """What of the payments of an order or a hold has to go back, by their id, as list_refunds_due says."""
    return {row["payment_id"]: row["amount_due"] for row in db.call("list_refunds_due") if row["order_id"] == order_id}


def stock(db: Database, product: int) -> tuple[int, int, int]:
    """The units of a product as (available, held, sold)."""
    row = db.one("get_product", product)
    return row["available"], row["held"], row["sold"]


def footprint(db: Database) -> Row:
    """What every request together has left behind; holds and orders that end meanwhile make no difference."""
    [row] = db.query(
        "SELECT (SELECT COUNT(*) FROM holds) + (SELECT COUNT(*) FROM hold_history) AS holds,"
        " (SELECT COUNT(*) FROM orders) AS orders, (SELECT COUNT(*) FROM products) AS products,"
        " (SELECT COALESCE(SUM(deliveries), 0) FROM payment_webhooks) AS deliveries,"
        " (SELECT COUNT(*) FROM stock_adjustments) AS adjustments"
    )
    return row


def sweep(db: Database, procedure: str = "sweep", *arguments: int) -> Row:
    """Sweep now, in the time of this session, even if the EVENT happens to be at it; or expire_holds, expire_orders."""
    while True:
        row = db.one(procedure, *arguments)
        if row["ran"]:
            return row


def at_once(act: Callable[[A], T], inputs: Sequence[A] | Iterable[A]) -> list[T | Exception]:
    """Run `act` on each input in a thread of its own, all released at the same instant; exceptions are returned."""
    items = list(inputs)
    start = threading.Barrier(len(items))

    def run(item: A) -> T | Exception:
        start.wait(timeout=30)
        try:
            return act(item)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(run, items))


def total(counted: Iterable[Counter[str] | Exception]) -> Counter[str]:
    """What many sessions counted, together; an exception is raised."""
    everything: Counter[str] = Counter()
    for each in counted:
        if isinstance(each, Exception):
            raise each
        everything += each
    return everything


def tally(answers: Iterable[object]) -> Counter[str]:
    """How often each answer came: a refusal's slug, 'replayed' or 'done'; any other exception is raised."""
    counted: Counter[str] = Counter()
    for answer in answers:
        if isinstance(answer, Refused):
            counted[answer.slug] += 1
        elif isinstance(answer, Exception):
            raise answer
        else:
            counted["replayed" if isinstance(answer, Mapping) and answer.get("replayed") else "done"] += 1
    return counted


def refusal(act: Callable[[], object]) -> Refused:
    """Do what has to be refused and return the refusal."""
    try:
        answer = act()
    except Refused as refused:
        return refused
    raise AssertionError(f"not refused: {answer}")


def insisting(act: Callable[[], T]) -> T:
    """Do it again after a deadlock, as the gateway does: MySQL undid the loser's transaction as a whole."""
    while True:
        try:
            return act()
        except mysql.connector.Error as error:
            if error.errno != 1213:
                raise


def until_somebody_waits(admin: Database) -> None:
    """Return as soon as some session waits for a row that another one has locked."""
    while not admin.value("SELECT COUNT(*) FROM performance_schema.data_lock_waits"):
        time.sleep(LOOK_AGAIN)
