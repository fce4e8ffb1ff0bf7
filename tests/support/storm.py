"""A storm: what a buyer, a payment provider, an operator and the sweep do, on few rows, each as often as you like."""

import json
import random
import re
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import mysql.connector

from tests.support.database import Database, Refused, Row
from tests.support.hold_sets import hold_set, wish
from tests.support.outbox import new_receiver
from tests.support.purchase_sets import Request, order_wish, success
from tests.support.sale import new_key, new_product

CUSTOMERS = ("ada", "bob", "cyd")
RECEIVERS = [new_receiver(), new_receiver()]
REASON = "as the test says"
DEADLOCK = 1213


@dataclass
class Scene:
    """Few products, and the newest holds, payments, events and so on: an actor takes one of these, at random.

    deadlocks: what a session was told, by the procedure that lost.
    """

    products: list[int]
    holds: deque[str] = field(default_factory=lambda: deque(maxlen=6))
    payments: deque[str] = field(default_factory=lambda: deque(maxlen=6))
    events: deque[str] = field(default_factory=lambda: deque(maxlen=6))
    webhooks: deque[int] = field(default_factory=lambda: deque(maxlen=6))
    notifications: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=6))
    deadlocks: list[str] = field(default_factory=list)


@dataclass
class Actor:
    """One session and its luck."""

    scene: Scene
    db: Database
    chance: random.Random

    def ask(self, procedure: str, *arguments: object, **named: object) -> Row:
        """CALL it; {} when the sale refuses, or when it lost in a deadlock, which is written down."""
        try:
            rows = self.db.call(procedure, *arguments, **named)
        except Refused:
            return {}
        except mysql.connector.Error as error:
            if error.errno != DEADLOCK:
                raise
            self.scene.deadlocks.append(procedure)
            return {}
        return rows[0] if rows else {}

    def ask_set(self, procedure: str, requests: list[Request]) -> None:
        """CALL it with these together."""
        self.ask(procedure, json.dumps(requests))

    def operate(self, procedure: str, *arguments: object, **named: object) -> None:
        """CALL what an operator does: without a key, or twice with the same."""
        key = self.chance.choice([None, new_key()])
        for _ in range(2 if key else 1):
            self.ask(procedure, *arguments, **named, idempotency_key=key)

    def product(self) -> int:
        """One of the products."""
        return self.chance.choice(self.scene.products)

    def some(self, of: deque[Any], otherwise: Callable[[], Any]) -> Any:
        """One of the newest, or a new one."""
        known = list(of)
        return self.chance.choice(known) if known and self.chance.random() < 0.7 else otherwise()

    def new_hold(self) -> str:
        """A hold of one of the customers."""
        qty, customer = self.chance.choice([1, 1, 2]), self.chance.choice(CUSTOMERS)
        made = self.ask("create_hold", self.product(), qty, customer, self.chance.choice([None, new_key()]))
        if made:
            self.scene.holds.append(made["hold_id"])
        return str(made.get("hold_id", new_key()))

    def new_holds(self) -> None:
        """The holds of some of the customers, and of new ones, by one CALL."""
        product = self.product()
        requests = [
            wish(product, self.chance.choice([1, 1, 2]), self.chance.choice([*CUSTOMERS, new_key(), None]))
            for _ in range(self.chance.randint(1, 4))
        ]
        try:
            made = hold_set(self.db, requests)
        except mysql.connector.Error as error:
            if error.errno != DEADLOCK:
                raise
            self.scene.deadlocks.append("create_holds")
        else:
            self.scene.holds.extend(row["hold_id"] for row in made if row["answer"] == "done")

    def hold(self) -> str:
        """A hold, which may have become an order, or have ended."""
        return str(self.some(self.scene.holds, self.new_hold))

    def new_order(self) -> str:
        """Make the order of a hold."""
        hold_id = self.new_hold() if self.chance.random() < 0.5 else self.hold()
        self.ask("create_order", hold_id, self.chance.choice([None, "key one", new_key()]))
        return hold_id

    def order(self) -> str:
        """An order."""
        return self.new_order() if self.chance.random() < 0.5 else self.hold()

    def new_event(self) -> int:
        """An event of a payment, which may be known, of an order or a hold."""
        status = self.chance.choice(
            ["succeeded", "succeeded", "failed", "refunded", "refund_failed", "declined", "other"]
        )
        payment = self.chance.choice([None, new_key(), new_key(), *list(self.scene.payments)[-2:]])
        key = self.chance.choice([new_key(), new_key(), new_key(), *list(self.scene.events)[-1:]])
        amount = self.chance.choice([None, 1000, 1000, 1])
        taken = self.ask("receive_payment_webhook", key, self.order(), payment, status, amount, "EUR", None, None)
        self.scene.events.append(key)
        if taken:
            self.scene.webhooks.append(taken["webhook_id"])
            if taken["payment_id"]:
                self.scene.payments.append(taken["payment_id"])
        return int(taken.get("webhook_id", 1))

    def new_orders(self) -> None:
        """Make the orders of several holds by one CALL; some of them twice, under one key or another."""
        holds = [self.hold() for _ in range(4)]
        keys = self.chance.choices([None, "key one", new_key(), new_key()], k=4)
        wishes = [order_wish(hold_id, key) for hold_id, key in zip(holds, keys, strict=True)]
        self.ask_set("create_orders", [*wishes, {}])

    def new_events(self) -> None:
        """Events of several payments by one CALL, most of them successes."""
        payments = [None, new_key(), *list(self.scene.payments)[-1:]]
        keys = [new_key(), new_key(), *list(self.scene.events)[-1:]]
        events = [
            success(
                self.order(), payment_id=self.chance.choice(payments), idempotency_key=self.chance.choice(keys),
                amount=self.chance.choice([None, 1000]), status=self.chance.choice(["succeeded"] * 4 + ["failed"]),
            ) for _ in range(4)
        ]  # fmt: skip
        self.ask_set("receive_payment_webhooks", events)

    def payment(self) -> str:
        """The id of a payment."""
        if not self.scene.payments or self.chance.random() < 0.3:
            self.new_event()
        return str(self.some(self.scene.payments, new_key))

    def stop(self) -> None:
        """End the sale of a product, and open it again."""
        product = self.product()
        self.operate("stop_sale", product, REASON)
        self.open(product)

    def pause(self) -> None:
        """Pause the sale of a product, and go on with it."""
        product = self.product()
        self.operate("pause_sale", product, REASON)
        self.operate("resume_sale", product, REASON)

    def archive(self) -> None:
        """Take a product off the list, if nothing of it is held, and put it on again."""
        product = self.product()
        self.operate("archive_product", product, REASON)
        self.open(product)

    def open(self, product: int | None = None) -> None:
        """Put a product on sale."""
        self.operate("set_sale_window", product or self.product(), None, None, REASON)

    def limit(self) -> None:
        """Other limits, or none."""
        some = self.chance.choice([(3, 50, 1), (5, None, None), (None, None, 1), (None, None, None)])
        self.operate("set_limits", self.product(), *some, self.chance.choice([None, 1]), reason=REASON)

    def forget(self) -> None:
        """Forget a customer."""
        self.ask("forget_customer", self.chance.choice(CUSTOMERS), REASON)

    def be_told(self) -> None:
        """Say who is told of what happens: both receivers, one, or nobody."""
        told = self.chance.choice([RECEIVERS, RECEIVERS, RECEIVERS[:1], RECEIVERS[1:], []])
        self.ask("set_receivers", json.dumps(told))

    def new_notification(self) -> tuple[int, int]:
        """Claim what one of the receivers is to be told, of a new order if there was nobody to tell: id and attempt."""
        receiver, limit = self.chance.choice(RECEIVERS), self.chance.choice([1, 2, 100])
        claimed = self.ask("claim_notifications", receiver, limit, 1)
        if not claimed:
            self.ask("set_receivers", json.dumps(RECEIVERS))
            self.new_order()
            claimed = self.ask("claim_notifications", receiver, limit, 1)
        if claimed:
            self.scene.notifications.append((claimed["notification_id"], claimed["attempt"]))
        return claimed.get("notification_id", 1), claimed.get("attempt", 1)

    def notification(self) -> tuple[int, int]:
        """A notification, which may be settled, and an attempt of it."""
        known: tuple[int, int] = self.some(self.scene.notifications, self.new_notification)
        return known

    def settle(self) -> None:
        """Say what became of a notification: it arrived, did not, or nobody tried."""
        self.ask("settle_notification", *self.notification(), self.chance.choice([None, None, "503", ""]))


ACTS: dict[str, Callable[[Actor], object]] = {
    "create_product": lambda a: new_product(a.db, 10, stripes=2),
    "adjust_stock": lambda a: a.operate("adjust_stock", a.product(), a.chance.choice([-3, -1, 1, 3]), REASON),
    "set_price": lambda a: a.operate("set_price", a.product(), a.chance.choice([0, 1000, 1000]), REASON),
    "set_sale_window": Actor.open,
    "set_limits": Actor.limit,
    "stop_sale": Actor.stop,
    "pause_sale": Actor.pause,
    "resume_sale": lambda a: a.operate("resume_sale", a.product(), REASON),
    "archive_product": Actor.archive,
    "create_hold": Actor.new_hold,
    "create_holds": Actor.new_holds,
    "extend_hold": lambda a: a.ask("extend_hold", a.hold()),
    "release_hold": lambda a: a.ask("release_hold", a.hold()),
    "expire_holds": lambda a: a.ask("expire_holds", 100),
    "create_order": Actor.new_order,
    "create_orders": Actor.new_orders,
    "cancel_pending_order": lambda a: a.ask("cancel_pending_order", a.order()),
    "cancel_order": lambda a: a.operate("cancel_order", a.order(), REASON),
    "fulfil_order": lambda a: a.ask("fulfil_order", a.order()),
    "expire_orders": lambda a: a.ask("expire_orders", 100),
    "receive_payment_webhook": Actor.new_event,
    "receive_payment_webhooks": Actor.new_events,
    "count_refused_webhook": lambda a: a.ask("count_refused_webhook", "invalid_signature"),
    "reprocess_webhook": lambda a: a.operate("reprocess_webhook", a.some(a.scene.webhooks, a.new_event)),
    "record_refund": lambda a: a.operate("record_refund", a.payment(), REASON),
    "accept_payment": lambda a: a.operate("accept_payment", a.payment(), REASON),
    "set_receivers": Actor.be_told,
    "claim_notifications": Actor.new_notification,
    "settle_notification": Actor.settle,
    "resend_notification": lambda a: a.operate("resend_notification", a.notification()[0]),
    "purge_history": lambda a: a.ask("purge_history", 1),
    "forget_customer": Actor.forget,
    "sweep": lambda a: a.ask("sweep"),
}
"""What each procedure that writes is called with."""

LATER = {"sweep": 2, "expire_holds": 2, "expire_orders": 2, "purge_history": 40 * 86400}
"""Who lives so many seconds later, so that there is always something to do."""


def set_scene(db: Database) -> Scene:
    """Products that run out, whose holds and orders run out, with limits and without."""
    products = []
    for limits in ((3, 50, 1, 1), (None, None, None, None)):
        product = new_product(db, 12, stripes=3, hold_seconds=1, payment_seconds=1)
        db.one("set_limits", product, *limits, reason=REASON)
        products.append(product)
    return Scene(products)


def storm(scene: Scene, sessions: list[Database], acts: list[str], times: int, seed: int) -> None:
    """Each session does the next of these acts, so many times in turn; nobody is told of anything after."""

    def act(number: int) -> None:
        actor = Actor(scene, sessions[number], random.Random(f"{seed} {acts} {number}"))
        for turn in range(times):
            name = acts[(number + turn // 2) % len(acts)]
            if name in LATER:
                actor.db.travel(LATER[name])
                ACTS[name](actor)
                actor.db.come_back()
            else:
                ACTS[name](actor)

    try:
        with ThreadPoolExecutor(len(sessions)) as pool:
            list(pool.map(act, range(len(sessions))))
    finally:
        sessions[0].come_back()
        sessions[0].call("set_receivers", "[]")


def deadlocks(admin: Database) -> int:
    """How many this server has broken so far, also those that a procedure met and began anew after."""
    return int(admin.value("SELECT count FROM information_schema.innodb_metrics WHERE name = 'lock_deadlocks'"))


def last_deadlock(admin: Database) -> str:
    """What InnoDB says about the last one."""
    [row] = admin.query("SHOW ENGINE INNODB STATUS")
    found = re.search(r"LATEST DETECTED DEADLOCK\n-+\n(.*?)\n-+\nTRANSACTIONS", row["Status"], re.DOTALL)
    return found[1] if found else "none"
