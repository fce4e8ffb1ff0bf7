"""The same requests as sets and one by one: the same answers, the same holds, the same stock."""

import datetime
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.database import Database, Refused, Row
from tests.support.hold_sets import Request, hold_set
from tests.support.sale import new_key, new_product, stock, sweep

SALES, SETS = 8, 5
CUSTOMERS = ("ann", "bob", "Bob", "cyd", "dan", "eve", "🙂" * 128)
ODD_NUMBERS = (0, -1, 1.5, 2.0, "1", "", " 1", True, None, 2**31, 10**30)
ODD_NAMES = ("", "x" * 129, 7, 1.5, True)
ODD_KEYS = ("", "x" * 273)
SECOND = datetime.timedelta(seconds=1)


@dataclass
class Side:
    """One of two products that are sold in the same way; its holds are called by the order in which they were made."""

    db: Database
    product: int
    mark: str
    names: dict[str, str] = field(default_factory=dict)

    def request(self, wanted: Request) -> Request:
        """What this side asks for: of its own product, under a key of its own that is as long."""
        product, key = wanted["product_id"], wanted["idempotency_key"]
        own = self.product if product == "it" else str(self.product) if product == "its text" else product
        return {
            **wanted, "product_id": own,
            "idempotency_key": self.mark + key if isinstance(key, str) and key else key,
        }  # fmt: skip

    def singly(self, wanted: Any) -> Any:
        """What create_hold says."""
        if not isinstance(wanted, dict):
            return "no object"
        try:
            return self.told(self.db.one("create_hold", *self.request(wanted).values()))
        except Refused as refused:
            return refused.errno, f"{refused.slug}: {refused.detail}"

    def told(self, row: Row) -> Row:
        """An answer without what differs between the two: the name of the hold, and whose product it is."""
        name = self.names.setdefault(row["hold_id"], f"hold {len(self.names)}")
        assert row["product_id"] == self.product
        return {**row, "hold_id": name, "product_id": None}

    def expired(self) -> int:
        """Holds that have expired and were not given back."""
        statement = "SELECT COUNT(*) FROM holds WHERE product_id = %s AND expires_at <= UTC_TIMESTAMP(6)"
        return int(self.db.value(statement, self.product))

    def live(self) -> list[Any]:
        """Its units, and the holds that have not expired."""
        statement = (
            "SELECT qty, unit_price_minor, customer_id, created_at, expires_at FROM holds"
            " WHERE product_id = %s AND expires_at > UTC_TIMESTAMP(6) ORDER BY 3, 4, 1"
        )
        return [stock(self.db, self.product), self.db.query(statement, self.product)]

    def left(self) -> list[Any]:
        """What there is of it after a sweep; when exactly something that expired was given back makes no difference."""
        ended = (
            "SELECT qty, unit_price_minor, customer_id, created_at, expires_at, ended_as FROM hold_history"
            " WHERE product_id = %s ORDER BY 3, 4, 1, 6"
        )
        customers = "SELECT customer_id, units, unpaid_units, paused_until FROM customer_units WHERE product_id = %s"
        return [
            *self.live(),
            self.db.query(ended, self.product),
            self.db.query(f"{customers} ORDER BY 1", self.product),
        ]


@dataclass
class Luck:
    """What buyers come up with."""

    chance: random.Random
    keys: list[str] = field(default_factory=list)

    def maybe(self, value: Any, share: float = 0.5) -> Any:
        return value if self.chance.random() < share else None

    def key(self) -> str | None:
        """None, one that was used before, or a new one, some as long as may be."""
        if self.chance.random() < 0.1:
            return None
        if self.keys and self.chance.random() < 0.15:
            return self.chance.choice(self.keys)
        self.keys.append(new_key() + self.chance.choice(["", "", "🙂", "x" * 235]))
        return self.keys[-1]

    def request(self, odd: float) -> Any:
        """One buyer's request: mostly of a customer who has nothing yet."""
        if self.chance.random() < odd / 4:
            return self.chance.choice([None, 7, "text", []])
        customer = self.chance.choice([None, *CUSTOMERS, new_key(), new_key(), new_key()])
        wanted = {"product_id": "it", "qty": self.chance.choice([1, 1, 1, 2, 2, 3, 4]), "customer_id": customer,
                  "idempotency_key": self.key()}  # fmt: skip
        if self.chance.random() < odd:
            member = self.chance.choice(list(wanted))
            odd_texts = ODD_NAMES if member == "customer_id" else ODD_KEYS
            wanted[member] = self.chance.choice(ODD_NUMBERS if member in ("product_id", "qty") else odd_texts)
            if member == "product_id" and self.chance.random() < 0.5:
                wanted[member] = "its text"
        return wanted

    def requests(self) -> list[Any]:
        """A set."""
        odd = self.chance.choice([0, 0, 0.1])
        requests = [self.request(odd) for _ in range(self.chance.choice([1, 3, 8, 15]))]
        # A set is of one product, so nobody in it asks for another one; 1 is one.
        for each in requests:
            if isinstance(each, dict) and each["product_id"] == 2**31 - 1:
                each["product_id"] = "it"
        return requests

    def sides(self, db: Database) -> list[Side]:
        """Two products that are sold in the same way."""
        units = self.chance.choice([0, 1, 5, 12, 12, 40, 1000])
        stripes, most = self.chance.choice([1, 3, 8]), self.chance.choice([2, 3, 10])
        limits = [self.maybe(self.chance.randint(1, 3)), self.maybe(self.chance.choice([1, 20, 100])), self.maybe(90)]
        limited = self.chance.random() < 0.5
        sides = []
        for mark in "ab":
            product = new_product(db, units, stripes=stripes, hold_seconds=100, max_per_hold=most)
            if limited:
                db.one("set_limits", product, *limits, reason="fair for everybody")
            sides.append(Side(db, product, mark))
        return sides

    def change(self, sides: list[Side]) -> None:
        """Something happens to the sale, or to one of its holds; or time passes."""
        db, now = sides[0].db, sides[0].db.now()
        act = self.chance.choice(
            ["nothing", "time", "more time", "window", "stop", "price", "release", "order", "pause", "resume", "resume"]
        )
        db.travel_to(now + self.chance.choice([1, 40, 101]) * SECOND)
        which = f"hold {self.chance.randint(0, 20)}"
        window = self.chance.choice([(None, None), (None, None), (now + 60 * SECOND, None), (None, now + 50 * SECOND)])
        price = self.chance.randint(0, 2000)
        for side in sides:
            hold_id = next((each for each, name in side.names.items() if name == which), None)
            try:
                if act == "window":
                    db.one("set_sale_window", side.product, *window, "as it comes")
                elif act == "stop":
                    db.one("stop_sale", side.product, "as it comes")
                elif act == "price":
                    db.one("set_price", side.product, price, "as it comes")
                elif act in ("pause", "resume"):
                    db.one(f"{act}_sale", side.product, "as it comes")
                elif act == "release" and hold_id:
                    db.one("release_hold", hold_id)
                elif act == "order" and hold_id:
                    db.one("create_order", hold_id, None)
            except Refused:
                pass  # of both, as their tables will show


def sell(luck: Luck, sides: list[Side]) -> Counter[str]:
    """Some sets to one side, the same to the other one by one; how the sets were answered."""
    answered: Counter[str] = Counter()
    together, apart = sides
    for turn in range(SETS):
        requests = luck.requests()
        rows = hold_set(together.db, [together.request(each) if isinstance(each, dict) else each for each in requests])
        answered.update(row["answer"] for row in rows)
        for row, wanted in zip(rows, requests, strict=True):
            expected = None if row["answer"] == "alone" else apart.singly(wanted)
            if row["answer"] == "done":
                members = {name: row[name] for name in list(row)[5:]}
                assert together.told(members) == expected, (turn, wanted, requests)
            elif row["answer"] == "refused":
                assert (row["errno"], row["message"]) == expected, (turn, wanted, requests)
        if together.expired() != apart.expired():
            # One buyer, unlike a set, gives back what has expired before he takes his units from several stripes.
            sweep(together.db)
        for row, wanted in zip(rows, requests, strict=True):
            if row["answer"] == "alone":
                assert together.singly(wanted) == apart.singly(wanted), (turn, wanted, requests)
        assert together.live() == apart.live(), (turn, requests)
        luck.change(sides)
    sweep(together.db)
    assert together.left() == apart.left()
    return answered


@pytest.mark.parametrize("seed", range(6))
def test_a_set_ends_as_if_its_requests_had_come_one_by_one(db: Database, seed: int) -> None:
    """Those that the set did or refused first, then those that it left alone; each in their order."""
    answered: Counter[str] = Counter()
    for sale in range(SALES):
        luck = Luck(random.Random(f"{seed} {sale}"))
        db.come_back()
        sides = luck.sides(db)
        db.travel_to(db.now())
        answered += sell(luck, sides)

    assert min(answered[answer] for answer in ("done", "refused", "alone")) > 10, answered
