"""Waiting for what has to happen, and not longer; and who waits or has a transaction open."""

import datetime
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from tests.support.database import Database

T = TypeVar("T")
WAITING = "SELECT COUNT(DISTINCT requesting_thread_id) FROM performance_schema.data_lock_waits"
LOOK_AGAIN = 0.002
"""Seconds; without a pause, those that are waited for would have to share the processor with who asks."""


def wait_until(condition: Callable[[], bool], seconds: float = 10, pause: float = 0.01) -> None:
    """Poll until the condition holds, with pauses of so many seconds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        time.sleep(pause)


def lock_waits(admin: Database) -> int:
    """How many transactions wait for a lock now."""
    statement = "SELECT COUNT(DISTINCT requesting_engine_transaction_id) FROM performance_schema.data_lock_waits"
    count: int = admin.value(statement)
    return count


def open_transactions(admin: Database, session: Database) -> int:
    """How many transactions a session has open, which is not asked itself: that could open one."""
    return int(
        admin.value(
            "SELECT COUNT(*) FROM performance_schema.events_transactions_current AS e"
            " JOIN performance_schema.threads AS t USING (thread_id)"
            " WHERE t.processlist_id = %s AND e.state = 'ACTIVE' AND e.autocommit = 'NO'",
            session.connection.connection_id,
        )
    )


@contextmanager
def locked(admin: Database, statement: str, *arguments: object) -> Iterator[None]:
    """Rows are locked, or changed, while the block runs; then that is committed."""
    admin.query("START TRANSACTION")
    admin.query(statement, *arguments)
    try:
        yield
    finally:
        admin.query("COMMIT")


class Waiting:
    """Calls that begin now, and wait for something that somebody has locked."""

    def __init__(self, admin: Database, pool: ThreadPoolExecutor) -> None:
        self._admin, self._pool = admin, pool
        self._count = 0

    def __call__(self, call: Callable[[], T]) -> "Future[T]":
        """Begin it, and come back when one more session waits for a row than before."""
        answer = self.begin(call)
        assert not answer.done(), answer.exception() or answer.result()
        return answer

    def begin(self, call: Callable[[], T]) -> "Future[T]":
        """Begin it, and come back when one more session waits for a row than before, or it is done."""
        self._count += 1
        answer = self._pool.submit(call)
        while not answer.done() and self._admin.value(WAITING) < self._count:
            time.sleep(LOOK_AGAIN)
        return answer


def until(db: Database, moment: datetime.datetime) -> None:
    """Let the server's clock come so far."""
    while (now := db.value("SELECT SYSDATE(6)")) < moment:
        time.sleep((moment - now).total_seconds())
