"""Waiting for what has to happen, and not longer; and who waits or has a transaction open."""

import time
from collections.abc import Callable

from tests.support.database import Database


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Poll until the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {seconds} s"
        time.sleep(0.01)


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
