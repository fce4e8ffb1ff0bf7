"""Settings with which a MySQL answers but cannot sell."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.support.database import Database


class Setting(NamedTuple):
    """A global variable, the value that is bad, the one that was before, and what the health check names."""

    name: str
    bad: str
    good: str
    named: str


UNABLE = (
    Setting("binlog_format", "STATEMENT", "ROW", "binlog_format"),
    Setting("read_only", "ON", "OFF", "read_only"),
    Setting("super_read_only", "ON", "OFF", "read_only"),
    Setting("transaction_read_only", "ON", "OFF", "transaction_read_only"),
)


@contextmanager
def set_globally(admin: Database, setting: Setting) -> Iterator[None]:
    """It is so meanwhile, for every session that begins."""
    admin.query(f"SET GLOBAL {setting.name} = {setting.bad}")
    try:
        yield
    finally:
        # super_read_only takes read_only along, and leaves it behind.
        for name in {setting.name, setting.name.removeprefix("super_")}:
            admin.query(f"SET GLOBAL {name} = {setting.good}")
