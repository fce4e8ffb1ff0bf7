"""A MySQL and a gunicorn for the pages that show a running sale: few products, and free to be broken."""

from collections.abc import Iterator

import pytest

from sql.server.private import PrivateServer
from tests.conftest import Sessions
from tests.faults.conftest import api_url, operator_url, sessions
from tests.support.emptying import empty_tables
from tests.support.prepared_servers import prepared_server
from tests.support.service import Service
from tests.support.signing import STANDARD_SECRET

TOKEN = "metrics-token-of-the-tests"
PRODUCTION = {"FLASHSALE_ENV": "production", "FLASHSALE_WEBHOOK_SECRETS": STANDARD_SECRET}
__all__ = ["api_url", "operator_url", "sessions"]


@pytest.fixture(scope="package")
def mysql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """A MySQL server that nobody else sells on."""
    with prepared_server(tmp_path_factory, "mysql-live") as server:
        yield server


@pytest.fixture(scope="package")
def service(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API in front of it, never restarted."""
    running = Service(api_url, tmp_path_factory.mktemp("api-live") / "gunicorn.log")
    yield running
    running.stop()


@pytest.fixture(scope="package")
def strict(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One where purchases are real."""
    with Service(api_url, tmp_path_factory.mktemp("api-strict") / "gunicorn.log", **PRODUCTION) as running:
        yield running


@pytest.fixture(scope="package")
def guarded(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same, whose board asks for a token."""
    log = tmp_path_factory.mktemp("api-guarded") / "gunicorn.log"
    with Service(api_url, log, **PRODUCTION, FLASHSALE_METRICS_TOKEN=TOKEN) as running:
        yield running


@pytest.fixture(autouse=True)
def _an_empty_shop(sessions: Sessions) -> None:
    """A test finds nothing of those before it: a board of all their products takes its browser ever longer."""
    empty_tables(sessions.checker, 1)
