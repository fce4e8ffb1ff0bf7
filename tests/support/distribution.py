"""How the tests are spread over processes (`pytest -n`), each of which has a MySQL and a gunicorn of its own."""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = (
    "tests/pages/live/test_board", "tests/pages/live/", "tests/pages/", "tests/faults/test_given_up_calls.py",
    "tests/faults/", "tests/cluster/",
)  # fmt: skip
"""Files that begin like one of these share servers, or a browser, and are one unit of work. Elsewhere each file is."""
LONG = (
    "tests/sql/test_stateful_sale.py", "tests/pages/live/test_board", "tests/faults/test_given_up_calls.py",
    "tests/sql/test_payment_rules.py", "tests/cluster/", "tests/faults/", "tests/hostile/", "tests/pages/live/",
    "tests/sql/test_transactions.py",
)  # fmt: skip
"""Begun first, so that no process is left alone with them at the end: in turns what works and what waits."""


class ByServer(LoadScopeScheduling):  # type: ignore[misc]
    """A file, or files that share servers, are a unit of work."""

    def _split_scope(self, nodeid: str) -> str:
        together = next((start for start in TOGETHER if nodeid.startswith(start)), None)
        return together or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServer:
    """Units of work as above, in the order of the collection, not by the number of their tests."""
    config.option.loadscopereorder = False
    return ByServer(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than cores: much of a test of faults or pages is waiting."""
    return (os.cpu_count() or 1) + 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first; files stay as they are."""
    items.sort(key=lambda item: next((n for n, path in enumerate(LONG) if item.nodeid.startswith(path)), len(LONG)))
