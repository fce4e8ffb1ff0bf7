"""A real MySQL server for the whole run, a real gunicorn in front of it, and the invariants after every test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sql.deploy import migrate
from sql.server.private import PrivateServer
from tests.support.database import Database
from tests.support.service import Service, free_port

API_PASSWORD = "api's p@ss/wörd"
OPERATOR_PASSWORD = "operator-password"


def url_of(server: PrivateServer, user: str, password: str) -> str:
    """The address of the tests' database for another account."""
    from urllib.parse import quote

    return f"mysql://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{server.port}/flashsale"


@pytest.fixture(scope="session")
def mysql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """A MySQL server of the tests' own, with everything deployed."""
    with PrivateServer(tmp_path_factory.mktemp("mysql"), free_port(), root_password="root-password") as server:
        migrate(server.admin_url(), API_PASSWORD, OPERATOR_PASSWORD, echo=lambda _: None)
        yield server


@pytest.fixture(scope="session")
def api_url(mysql_server: PrivateServer) -> str:
    """What the API logs in with."""
    return url_of(mysql_server, "flashsale_api", API_PASSWORD)


@pytest.fixture(scope="session")
def operator_url(mysql_server: PrivateServer) -> str:
    """What a DBA logs in with."""
    return url_of(mysql_server, "flashsale_operator", OPERATOR_PASSWORD)


@pytest.fixture
def connect_as(mysql_server: PrivateServer, api_url: str, operator_url: str) -> Iterator[Callable[..., Database]]:
    """Open sessions as 'admin', 'api' or 'dba'; they end with the test."""
    urls = {"admin": mysql_server.admin_url(), "api": api_url, "dba": operator_url}
    sessions: list[Database] = []

    def open_session(account: str = "dba", **options: Any) -> Database:
        sessions.append(Database(urls[account], **options))
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.close()


@pytest.fixture
def db(connect_as: Callable[..., Database]) -> Database:
    """A DBA's session."""
    return connect_as("dba")


@pytest.fixture(scope="session")
def service(api_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API as it ships."""
    running = Service(api_url, tmp_path_factory.mktemp("api") / "gunicorn.log")
    yield running
    running.stop()


@pytest.fixture
def http(service: Service) -> Iterator[httpx.Client]:
    """A buyer's HTTP client."""
    with httpx.Client(base_url=service.url, timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def _invariants_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test of the sale, nothing may be wrong."""
    yield
    if "mysql_server" in request.fixturenames:
        server: PrivateServer = request.getfixturevalue("mysql_server")
        with Database(server.admin_url()) as session:
            assert session.call("check_invariants") == []
