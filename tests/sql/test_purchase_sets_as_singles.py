"""The same orders and payment events as sets and one by one: the same answers, and the same is left of both."""

import datetime
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, NamedTuple

import pytest

from tests.support.database import Database, Refused, Row
from tests.support.purchase_sets import order_alone, order_set, pay_alone, pay_set
from tests.support.sale import new_key, new_product, stock, sweep

SALES, SETS, PURCHASES, STRANGERS = 3, 5, 60, 2
SECOND = datetime.timedelta(seconds=1)
STATUSES = (
    *["succeeded"] * 16, "declined", "failed", "refunded", "refund_failed", "dispute_opened", "other", "lost",
)  # fmt: skip
ODD: dict[str, tuple[Any, ...]] = {
    "hold_id": (None, "", 7, "x" * 36, [], {"id": 1}, True),
    "idempotency_key": ("", "x" * 300, None),
    "reference": ("", "x" * 65),
    "metadata": ("", "{", "[]", "null", "7", {"cart": 7}, ["cart"], True, '{"a": "' + "x" * 2040 + '"}',
                 '{"a": ' + "[" * 100 + "]" * 100 + "}", '{"a": 1e999}', "\0", '{"a": "\\ud800"}'),
    "order_id": (None, "", "order 7", "x" * 300),
    "payment_id": ("", "x" * 300),
    "amount": (0, 1, -1, 10.0, "1000.00", 10**20, "", True, [1]),
    "currency": ("USD", "eur", "", "EURO", ["EUR"]),
    "occurred_at": ("2026-11-26 08:00:00.123456", "2026-11-26 08:00:00", "", "yesterday", ["now"]),
    "payload": ("{", "[" * 101 + "]" * 101, "null", '"text"', ""),
    "status": (None, "Succeeded", "succeeded ", ["succeeded"]),
}  # fmt: skip
NOTES = (None, None, '{"cart": 7}', '{ "cart":7 }', '{"cart": 8, "é": [1.50, null]}', "{}")


class Numbered(NamedTuple):
    """The hold and the order of this number."""

    number: int


TERMS = {"hold_seconds": 300, "payment_seconds": 100, "stripes": 2, "max_per_hold": 30}


@dataclass
class Side:
    """One of two shops to which the same happens.

    ids: of its holds, which become orders, and some that are neither; in an answer they are called by their number.
    mark: what its keys and its payments begin with; those of the two sides differ in the first character.
    """

    db: Database
    mark: str
    products: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def own(self, wanted: Any) -> Any:
        """A request or an event with the ids of this side in the place of numbers and names."""
        if not isinstance(wanted, dict):
            return wanted
        return {name: self._own(name, value) for name, value in wanted.items()}

    def _own(self, member: str, value: Any) -> Any:
        if isinstance(value, Numbered):
            return self.ids[value.number]
        named = (
            member in ("idempotency_key", "payment_id", "order_id", "reference") and isinstance(value, str) and value
        )
        return self.mark + value if named else value

    def told(self, answer: Row | str) -> Any:
        """An answer without what differs between the two sides."""
        if isinstance(answer, str):
            return answer
        return {name: self._name(name, value) for name, value in answer.items() if name != "webhook_id"}

    def _name(self, column: str, value: Any) -> Any:
        if value in self.ids:
            return f"purchase {self.ids.index(value)}"
        if column == "product_id" and value in self.products:
            return f"product {self.products.index(value)}"
        return value[1:] if isinstance(value, str) and value.startswith(self.mark) else value

    def left(self) -> list[Any]:
        """Everything there is of this side."""
        purchases = ", ".join(["UUID_TO_BIN(%s)"] * len(self.ids))
        found: list[Any] = [stock(self.db, product) for product in self.products]
        for table, known_by in (
            ("holds", "hold_id"), ("hold_history", "hold_id"), ("orders", "order_id"), ("payments", "order_id"),
            ("payment_webhooks", "order_id"),
        ):  # fmt: skip
            rows = self.db.query(f"SELECT * FROM {table} WHERE {known_by} IN ({purchases})", *self.ids)
            found.append(sorted((self._row(row) for row in rows), key=repr))
        for table, column in (("payments", "payment_id"), ("payment_webhooks", "idempotency_key")):
            rows = self.db.query(f"SELECT * FROM {table} WHERE {column} LIKE %s", f"{self.mark}%")
            found.append(sorted((self._row(row) for row in rows), key=repr))
        for product in self.products:
            rows = self.db.query("SELECT * FROM customer_units WHERE product_id = %s ORDER BY customer_id", product)
            found.append([self._row(row) for row in rows])
        return found

    def _row(self, row: Row) -> Row:
        dropped = ("webhook_id", "hold_id", "order_id")
        return {name: self._name(name, value) for name, value in row.items() if name not in dropped}


@dataclass
class Luck:
    """What happens to both."""

    chance: random.Random
    marks: str = field(default_factory=lambda: new_key()[:8])
    keys: list[str] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    to_order: Iterator[int] = field(default_factory=lambda: cycle(range(PURCHASES)))
    to_pay: list[int] = field(default_factory=list)

    def sides(self, db: Database) -> tuple[Side, Side]:
        """Two shops with the same products, limits and holds."""
        sides = Side(db, f"<{self.marks}"), Side(db, f">{self.marks}")
        limits = [self.chance.choice([None, 40]), self.chance.choice([None, 100]), self.chance.choice([None, 300])]
        bought = [
            (
                self.chance.choice([0, 0, 0, 1, 1, 1, 2]),
                self.chance.randint(1, 3),
                self.chance.choice(["ann", "bob", "cyd"]),
            )
            for _ in range(PURCHASES)
        ]
        for side in sides:
            for price in (1000, 1000, 0):
                side.products.append(new_product(db, 110, price=price, **TERMS))
            db.one("set_limits", side.products[0], *limits, reason="fair for everybody")
            side.ids += [
                db.one("create_hold", side.products[which], qty, customer, None)["hold_id"]
                for which, qty, customer in bought
            ]
            side.ids += [new_key() for _ in range(STRANGERS)]
        return sides

    def name(self, known: list[str], share: float) -> str:
        """One that was used before, or a new one."""
        if not known or self.chance.random() > share:
            known.append(f"{self.marks} {len(known)} {new_key()}")
        return self.chance.choice(known[-6:]) if self.chance.random() < share else known[-1]

    def spoilt(self, wanted: dict[str, Any]) -> Any:
        """It, or once in a while something odd."""
        if self.chance.random() < 0.02:
            return self.chance.choice([None, 7, "text", [], {}])
        if self.chance.random() < 0.1:
            member = self.chance.choice(list(wanted))
            return {**wanted, member: self.chance.choice(ODD[member])}
        return wanted

    def purchase(self, next_one: int | None) -> Numbered:
        """The next one; or one that was there before or is not there yet, or an id of none."""
        if next_one is None or self.chance.random() < 0.2:
            next_one = self.chance.randrange(PURCHASES + STRANGERS)
        return Numbered(next_one)

    def request(self) -> Any:
        """A request for an order."""
        if self.asked and self.chance.random() < 0.1:  # a repeat, perhaps with something changed
            again = dict(self.chance.choice(self.asked[-8:]))
            return self.spoilt(again | self.chance.choice([{}, {}, {"reference": None}, {"metadata": NOTES[-1]}]))
        key = self.chance.choice([None, self.name(self.keys, 0.1), self.name(self.keys, 0.1)])
        purchase = self.purchase(next(self.to_order))
        self.to_pay.append(purchase.number)
        reference = self.chance.choice([None, self.name(self.references, 0.1)[-64:]])
        wanted = {
            "hold_id": purchase, "idempotency_key": key, "reference": reference, "metadata": self.chance.choice(NOTES),
        }  # fmt: skip
        self.asked.append(wanted)
        return self.spoilt(wanted)

    def event(self) -> Any:
        """An event of a payment."""
        next_one = self.to_pay.pop(0) if self.to_pay else None
        return self.spoilt({
            "idempotency_key": self.name(self.keys, 0.1), "order_id": self.purchase(next_one),
            "payment_id": self.chance.choice([None, self.name(self.payments, 0.1), self.name(self.payments, 0.1)]),
            "status": self.chance.choice(STATUSES), "amount": self.chance.choice([*[None] * 6, 1000, 2000]),
            "currency": self.chance.choice([None, "EUR", "EUR"]),
            "occurred_at": self.chance.choice([None, "2026-11-26 08:00:00.123456"]),
            "payload": self.chance.choice([None, '{"a": [1, 2]}']),
        })  # fmt: skip

    def change(self, sides: tuple[Side, Side]) -> None:
        """Time passes, a buyer or an operator does something, or what ran out is swept."""
        db, now = sides[0].db, sides[0].db.now()
        acts = ["create_hold", "create_order", "release_hold", "cancel_pending_order", "pause_sale", "resume_sale"]
        act, which = self.chance.choice(["nothing", "sweep", *acts]), self.chance.randrange(PURCHASES)
        db.travel_to(now + self.chance.choice([1, 1, 1, 40, 101]) * SECOND)
        if act == "sweep":
            sweep(db)
        elif act != "nothing":
            for side in sides:
                arguments = {
                    "create_hold": (side.products[which % 3], 30, "dan", None), "create_order": (side.ids[which], None),
                    "pause_sale": (side.products[which % 3], "it stops"),
                    "resume_sale": (side.products[which % 3], "it goes on"),
                }.get(act, (side.ids[which],))  # fmt: skip
                with suppress(Refused):  # of both, as their tables will show
                    db.one(act, *arguments)


def sell(
    sides: tuple[Side, Side], wanted: list[Any], in_a_set: Callable[..., list[Row]], alone: Callable[..., Row | str]
) -> Counter[str]:
    """A set for one side, then what it left alone; the same for the other one by one. How the set was answered."""
    together, apart = sides
    rows = in_a_set(together.db, [together.own(each) for each in wanted])
    expected = [apart.told(alone(apart.db, apart.own(each))) for each in wanted]
    for row, each, single in zip(rows, wanted, expected, strict=True):
        if row["answer"] == "done":
            answer: Row | str = {name: row[name] for name in list(row)[5:]}
        else:
            assert (row["answer"], set(list(row.values())[2:])) == ("alone", {None})
            answer = alone(together.db, together.own(each))
        assert together.told(answer) == single, (row, each, wanted)
    assert together.left() == apart.left(), wanted
    return Counter(row["answer"] for row in rows)


@pytest.mark.parametrize("seed", range(4))
def test_sets_of_orders_and_of_events_end_as_if_each_of_them_had_come_alone(db: Database, seed: int) -> None:
    """What a set leaves alone is done after it, and still ends as if it had kept its place."""
    answered: dict[str, Counter[str]] = {"orders": Counter(), "events": Counter()}
    # Nobody else sweeps: what ran out waits until it is said.
    assert db.value("SELECT GET_LOCK(CONCAT('sweep.', DATABASE()), 10)") == 1
    for sale in range(SALES):
        luck = Luck(random.Random(f"{seed} {sale}"))
        db.come_back()
        db.travel_to(db.now())
        sides = luck.sides(db)
        for _ in range(SETS):
            size = luck.chance.choice([1, 8, 12, 20])
            answered["orders"] += sell(sides, [luck.request() for _ in range(size)], order_set, order_alone)
            luck.change(sides)
            answered["events"] += sell(sides, [luck.event() for _ in range(size)], pay_set, pay_alone)
            luck.change(sides)

    assert all(min(each["done"], each["alone"]) > 10 for each in answered.values()), answered
