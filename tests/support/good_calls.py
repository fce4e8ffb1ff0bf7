"""A shop in which every public procedure has something to do, and the arguments that it accepts."""

import json
import re
from typing import Any, NamedTuple

from sql.deploy.objects import all_objects
from tests.support.database import Database, Row
from tests.support.sale import hold, lapsed_order, new_key, new_payment, new_product, order, pay, stock


class Parameter(NamedTuple):
    """A parameter as the COMMENT of its procedure documents it: numbers are LONGTEXT to MySQL."""

    procedure: str
    name: str
    kind: str


_PUBLIC = [item for item in all_objects() if item.kind == "PROCEDURE" and not item.name.startswith("_")]
PROCEDURES = [item.name for item in _PUBLIC]
PARAMETERS = [
    Parameter(item.name, name, kind)
    for item in _PUBLIC
    for name, kind in re.findall(r"^  in_(\w+) +(BIGINT|TEXT|DATETIME)\b", item.statement, re.MULTILINE)
]
MAY_BE_NULL = {
    (item.name, name)
    for item in _PUBLIC
    for name, text in re.findall(r"^  in_(\w+) (.*(?:\n   .*)*)", item.statement, re.MULTILINE)
    if re.search(r"\bNULL\b", text)
}
"""The parameters, by procedure and name, of which the COMMENT says what NULL means."""
# What operators call with a key.
KEYED = [
    each.procedure
    for each in PARAMETERS
    if each.name == "idempotency_key"
    and each.procedure not in ("create_hold", "create_order", "receive_payment_webhook")
]
# What is kept of a product; payments and events, which have no product of their own, are counted besides.
_OF_A_PRODUCT = (
    "products", "stock_stripes", "holds", "hold_history", "orders", "customer_units", "stock_adjustments",
    "operator_actions",
)  # fmt: skip
_COUNTS = (
    "SELECT 'payment_webhooks', JSON_ARRAY(COUNT(*), SUM(deliveries), COUNT(reprocessed_at), COUNT(payload))"
    " FROM payment_webhooks",
    "SELECT 'payments', JSON_ARRAY(COUNT(*), SUM(state IN ('due', 'settled')), SUM(refunded_minor)) FROM payments",
    "SELECT 'products', JSON_ARRAY(COUNT(*)) FROM products",
    "SELECT 'operator_actions', JSON_ARRAY(COUNT(*)) FROM operator_actions",
    "SELECT 'operator_keys', JSON_ARRAY(COUNT(*)) FROM operator_keys",
)
_columns: dict[str, str] = {}


def rows_of(db: Database, table: str, condition: str = "TRUE") -> str:
    """A statement that reads the table's name and each row as JSON, so that many tables can be read at once."""
    if table not in _columns:
        _columns[table] = db.value(
            "SELECT GROUP_CONCAT(CONCAT('`', column_name, '`') ORDER BY ordinal_position)"
            " FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = %s", table,
        )  # fmt: skip
    return f"SELECT '{table}' AS name, JSON_ARRAY({_columns[table]}) AS kept FROM {table} WHERE {condition}"


class GoodCalls:
    """A product with a hold and an order, and arguments for every procedure that would be fine."""

    def __init__(self, db: Database, procedure: str = "") -> None:
        """`procedure` is what will be called; some want something special to work on."""
        self.db = db
        self.product = new_product(db, 1000, max_per_hold=1000)
        self.payment, self.webhook, self.notification = new_payment(), None, 2**40
        if procedure == "archive_product":
            self.hold = self.order = new_key()
            return
        if procedure == "extend_hold":
            db.one("set_limits", self.product, extension_seconds=60, reason="patience")
        self.hold, self.order = hold(db, self.product), order(db, self.product)
        if procedure == "record_refund":
            self.pay_for_nothing()
        elif procedure == "accept_payment":
            pay(db, self.order, "succeeded", 900, "EUR", payment=self.payment)
        elif procedure == "fulfil_order":
            pay(db, self.order)
        elif procedure == "reprocess_webhook":
            self.pay_too_late()
        elif procedure == "resend_notification":
            self.be_told()

    def pay_for_nothing(self) -> None:
        """A payment is due, for its hold has ended."""
        released = hold(self.db, self.product)
        self.db.one("release_hold", released)
        pay(self.db, released, payment=self.payment)

    def pay_too_late(self) -> None:
        """A payment is due, for its units were gone; they are there again."""
        lapsed, free = lapsed_order(self.db, self.product), stock(self.db, self.product)[0]
        self.db.one("adjust_stock", self.product, -free, "lost")
        self.webhook = pay(self.db, lapsed, payment=self.payment)["webhook_id"]
        self.db.one("adjust_stock", self.product, free, "found")

    def be_told(self) -> None:
        """Somebody is told of an order; and goes on to be, for that is what is to be sent again."""
        self.db.call("set_receivers", '["https://shop.example"]')
        told = order(self.db, self.product)
        pending = self.db.call("list_notifications", "pending", 100)
        [self.notification] = [row["notification_id"] for row in pending if row["subject"] == told]

    def good(self, procedure: str) -> dict[str, Any]:
        """What the procedure would accept."""
        fine = {
            "product_id": self.product, "qty": 1, "customer_id": "alice", "idempotency_key": new_key(),
            "hold_id": self.hold, "order_id": self.order, "status": "succeeded", "amount": 1000, "currency": "EUR",
            "occurred_at": None, "payload": "{}", "limit": 1, "delta": 1, "reason": "found", "price": 1000,
            "stock_total": 10, "name": "help" if procedure == "help" else "Limited sneaker",
            "webhook_id": self.webhook, "payment_id": self.payment, "outcome": "parked", "days": 10_000,
            "receivers": "[]", "receiver": "https://shop.example", "lease_seconds": 30, "state": "failed",
            "notification_id": self.notification, "attempt": 1, "error": None,
            "connection_id": 2**62, "text": "alice", "requests": self.requests(), "reference": new_key(),
            "metadata": "{}", "after": None,
            "events": json.dumps([{"idempotency_key": new_key(), "order_id": self.order, "status": "succeeded"}]),
        }  # fmt: skip
        if procedure == "create_orders":
            fine["requests"] = json.dumps([{"hold_id": self.hold, "idempotency_key": new_key()}])
        if procedure == "list_orders":
            fine["status"] = "pending"
        if procedure == "count_refused_webhook":
            fine["reason"] = "invalid_signature"
        return {each.name: fine.get(each.name) for each in PARAMETERS if each.procedure == procedure}

    def requests(self) -> str:
        """A set of holds."""
        one = {"product_id": self.product, "qty": 1, "customer_id": "alice"}
        return json.dumps([{**one, "idempotency_key": new_key()} for _ in range(3)])

    def call(self, procedure: str, **changed: Any) -> list[Row]:
        """CALL it with good arguments but these."""
        return self.db.call(procedure, *{**self.good(procedure), **changed}.values())

    def state(self) -> list[Any]:
        """Everything a call could have changed."""
        own = (rows_of(self.db, table, f"product_id = {self.product}") for table in _OF_A_PRODUCT)
        statements = (*own, *_COUNTS, rows_of(self.db, "webhook_refusals"))
        return sorted(tuple(row.values()) for row in self.db.query(" UNION ALL ".join(statements)))
