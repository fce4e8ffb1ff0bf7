"""The buyers' side of the books: whatever the shop acknowledged is written down before the buyer asks for more."""

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.support.database import Database


class Entry(NamedTuple):
    """An acknowledged request: what was asked for, under which key, and what the shop said it was."""

    kind: str
    key: str
    id: str
    status: str


class Ledger:
    """Keys before they are used and 2xx as they come, each written to a file before the next request is sent."""

    def __init__(self) -> None:
        # It lives as long as the ledger.
        self._file = tempfile.NamedTemporaryFile("w", prefix="ledger-", suffix=".jsonl", encoding="utf-8")  # noqa: SIM115
        self._lock = threading.Lock()

    def intend(self, kind: str, key: str) -> None:
        """A buyer is about to use this key for the first time."""
        self._write(["intended", kind, key])

    def acknowledge(self, kind: str, key: str, answer: dict[str, Any]) -> None:
        """The shop said yes, and this is what it said."""
        said = answer.get("outcome") or answer["status"]
        self._write(["acknowledged", kind, key, answer.get("order_id") or answer["hold_id"], said])

    def intended(self, kind: str) -> set[str]:
        """Every key that was ever used for this."""
        return {line[2] for line in self._lines() if line[:2] == ["intended", kind]}

    def acknowledged(self, kind: str) -> list[Entry]:
        """Every yes to this, in the order they came."""
        return [Entry(*line[1:]) for line in self._lines() if line[:2] == ["acknowledged", kind]]

    def _write(self, line: list[str]) -> None:
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def _lines(self) -> Iterator[list[str]]:
        with open(self._file.name, encoding="utf-8") as file:
            yield from map(json.loads, file)


def assert_kept(db: Database, ledger: Ledger, product: int, stock_total: int) -> None:
    """Acknowledged ⊆ committed, nothing twice, nothing that nobody asked for, and the stock exact to the unit."""
    holds = db.query(
        "SELECT idempotency_key AS k, hold_uuid AS id, qty, 'active' AS ended_as FROM holds WHERE product_id = %s"
        " UNION ALL SELECT idempotency_key, hold_uuid, qty, ended_as FROM hold_history WHERE product_id = %s",
        product,
        product,
    )
    orders = db.query(
        "SELECT idempotency_key AS k, order_uuid AS id, qty, status FROM orders WHERE product_id = %s", product
    )
    payments = db.query(
        "SELECT w.idempotency_key AS k, w.order_uuid AS id, w.outcome FROM payment_webhooks AS w"
        " JOIN orders AS o USING (order_id) WHERE o.product_id = %s",
        product,
    )
    _assert_once(ledger, "hold", {(row["k"], row["id"]) for row in holds}, len(holds))
    _assert_once(ledger, "order", {(row["k"], row["id"]) for row in orders}, len(orders))
    _assert_once(ledger, "payment", {(row["k"], row["id"]) for row in payments}, len(payments))

    ended = {row["id"]: row["ended_as"] for row in holds}
    assert {ended[entry.id] for entry in ledger.acknowledged("release")} <= {"released"}
    assert {ended[entry.id] for entry in ledger.acknowledged("order")} <= {"ordered"}
    applied = {entry.id for entry in ledger.acknowledged("payment") if entry.status == "applied"}
    assert applied <= {row["id"] for row in orders if row["status"] == "paid"}

    held = sum(row["qty"] for row in holds if row["ended_as"] == "active")
    sold = sum(row["qty"] for row in orders if row["status"] in ("pending", "paid"))
    shelf = db.one("get_product", product)
    assert (shelf["available"], shelf["held"], shelf["sold"]) == (stock_total - held - sold, held, sold)
    assert db.call("check_invariants") == []


def _assert_once(ledger: Ledger, kind: str, committed: set[tuple[str, str]], rows: int) -> None:
    said = {(entry.key, entry.id) for entry in ledger.acknowledged(kind)}
    assert said <= committed, f"acknowledged and lost: {kind} {said - committed}"
    keys = Counter(key for key, _ in committed)
    assert len(keys) == rows, f"twice: {kind} {keys.most_common(3)}"
    assert len({key for key, _ in said}) == len(said), f"one key, two answers: {kind}"
    assert keys.keys() <= ledger.intended(kind), f"nobody asked for these: {kind}"
