"""How many rows MySQL reads for something: what a wrong plan costs, whatever else the machine does."""

from collections.abc import Callable

from tests.support.database import Database


def rows_read(admin: Database, call: Callable[[], object], kind: str = "Handler_read%") -> int:
    """By what `call` does in this session, an administrator's; `kind` is a pattern of names of MySQL's counters."""
    admin.query("FLUSH STATUS")
    call()
    return sum(int(row["Value"]) for row in admin.query(f"SHOW SESSION STATUS LIKE '{kind}'"))


def least_rows_read(admin: Database, call: Callable[[], object], times: int) -> int:
    """The least of so many times: who opens the tables also reads what MySQL itself knows of them, a hundred rows."""
    return min(rows_read(admin, call) for _ in range(times))
