"""A MySQL and a gunicorn that these tests may break: nobody else uses them. Each test finds them whole."""

from collections.abc import Iterator

import pytest

from sql.deploy import migrate
from sql.server.private import PrivateServer
from tests.conftest import Sessions
from tests.support.accounts import API_PASSWORD, OPERATOR_PASSWORD, url_of
from tests.support.prepared_servers import SMALL, prepared_server
from tests.support.service import Service


@pytest.fixture(scope="package")
def mysql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """A MySQL server to stop, kill and lock; lock waits of the tests' own sessions are short, so that the tests are."""
    settings = {**SMALL, "innodb_lock_wait_timeout": "1"}
    with prepared_server(tmp_path_factory, "mysql-to-break", settings) as server:
        yield server


def redeploy(server: PrivateServer) -> None:
    """Deploy everything, as an operator does during a sale."""
    migrate(server.admin_url(), API_PASSWORD, OPERATOR_PASSWORD, echo=lambda _: None)


@pytest.fixture(autouse=True)
def _server_is_up(mysql_server: PrivateServer) -> Iterator[None]:
    """Also after a test that failed half way."""
    yield
    mysql_server.start()


@pytest.fixture(scope="package")
def api_url(mysql_server: PrivateServer) -> str:
    """What the API logs in with."""
    return url_of(mysql_server, "flashsale_api", API_PASSWORD)


@pytest.fixture(scope="package")
def operator_url(mysql_server: PrivateServer) -> str:
    """What a DBA logs in with."""
    return url_of(mysql_server, "flashsale_operator", OPERATOR_PASSWORD)


class UnkeptSessions(Sessions):
    """Sessions that are not used again: the next test may find their server restarted."""

    def make_room(self) -> None:
        """Leave the tables as they are: these are few tests, and their API counts what is in them."""

    def take_back(self) -> None:
        """End the lent sessions."""
        for _, session in self._lent:
            session.close()
        self._lent.clear()


@pytest.fixture(scope="package")
def sessions(mysql_server: PrivateServer, api_url: str, operator_url: str) -> Iterator[Sessions]:
    """The sessions of these tests."""
    opened = UnkeptSessions({"admin": mysql_server.admin_url(), "api": api_url, "dba": operator_url})
    yield opened
    opened.ended = True


@pytest.fixture(scope="package")
def service(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API in front of the MySQL that breaks; it is never restarted: that is the point."""
    running = Service(api_url, tmp_path_factory.mktemp("api-to-break") / "gunicorn.log")
    yield running
    running.stop()


@pytest.fixture
def own_service(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """An API for a test that breaks gunicorn itself."""
    running = Service(api_url, tmp_path_factory.mktemp("own-api") / "gunicorn.log")
    yield running
    running.stop()
