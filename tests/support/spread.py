"""How the tests are spread over processes (`pytest -n`), each of which has a MySQL and a gunicorn of its own."""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/pages/live/", "tests/faults/", "tests/cluster/")
"""Folders with servers of their own: one process for each, so that these are started once."""
LONG = (
    *TOGETHER, "tests/hostile/", "tests/sql/test_stateful_sale.py", "tests/sql/test_payment_rules.py",
    "tests/sql/test_transactions.py",
)  # fmt: skip
"""Begun first, so that no process is left alone with them at the end."""


class ByServer(LoadScopeScheduling):  # type: ignore[misc]
    """A file, or a folder that shares servers, is a unit of work."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((folder for folder in TOGETHER if nodeid.startswith(folder)), None)
        return folder or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServer:
    """Units of work as above, in the order of the collection, not by the number of their tests."""
    config.option.loadscopereorder = False
    return ByServer(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than cores: much of a test of faults or pages is waiting."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first; files stay as they are."""
    items.sort(key=lambda item: next((n for n, path in enumerate(LONG) if item.nodeid.startswith(path)), len(LONG)))
