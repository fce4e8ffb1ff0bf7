"""One group and one API for all tests here. FLASHSALE_CLUSTER=long, as in `make test-cluster`, adds the long ones."""

import os
from collections.abc import Iterator

import pytest

from tests.support.group import Group, running_group, serving
from tests.support.service import Service

LONG = os.environ.get("FLASHSALE_CLUSTER") == "long"
collect_ignore_glob = [] if LONG else ["test_long_*.py"]


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """Three nodes, deployed."""
    with running_group(tmp_path_factory.mktemp("group")) as group:
        yield group


@pytest.fixture
def group(running: Group) -> Group:
    """The same, whole, whatever the test before did to it."""
    running.form()
    return running


@pytest.fixture(scope="package")
def shop(running: Group, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API in front of the three."""
    with serving(running, tmp_path_factory.mktemp("api")) as service:
        yield service
