"""A MySQL and a gunicorn for the pages that show a running sale: few products, and free to be broken."""

from collections.abc import Iterator

import pytest

from sql.server.private import PrivateServer
from tests.faults.conftest import api_url, operator_url, sessions
from tests.support.prepared import prepared_server
from tests.support.service import Service

__all__ = ["api_url", "operator_url", "sessions"]


@pytest.fixture(scope="session")
def mysql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """A MySQL server that nobody else sells on."""
    with prepared_server(tmp_path_factory, "mysql-live") as server:
        yield server


@pytest.fixture(scope="session")
def service(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API in front of it, never restarted."""
    running = Service(api_url, tmp_path_factory.mktemp("api-live") / "gunicorn.log")
    yield running
    running.stop()
