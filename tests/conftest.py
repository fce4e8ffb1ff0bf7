"""A real MySQL server for the whole run, a real gunicorn in front of it, and the invariants after every test."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import mysql.connector
import pytest

from sql.deploy import migrate
from sql.server.private import PrivateServer
from tests.support.database import Database
from tests.support.service import Service, free_port
from tests.support.spread import (
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

__all__ = ["pytest_collection_modifyitems", "pytest_xdist_auto_num_workers", "pytest_xdist_make_scheduler"]

API_PASSWORD = "api's p@ss/wörd"
OPERATOR_PASSWORD = "operator-password"


def url_of(server: PrivateServer, user: str, password: str) -> str:
    """The address of the tests' database for another account."""
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


class Sessions:
    """Sessions of all accounts; opening one costs more than most tests, so they are reset and used again."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self._idle: defaultdict[tuple[object, ...], list[Database]] = defaultdict(list)
        self._lent: list[tuple[tuple[object, ...], Database]] = []

    def open(self, account: str = "dba", **options: Any) -> Database:
        """Lend a session of 'admin', 'api' or 'dba' until the end of the test."""
        kind = (account, *sorted(options.items()))
        session = self._idle[kind].pop() if self._idle[kind] else None
        if session is None or not session.connection.is_connected():
            session = Database(self._urls[account], **options)
        self._lent.append((kind, session))
        return session

    def take_back(self) -> None:
        """End whatever the lent sessions were doing; those that were killed are gone."""
        for kind, session in self._lent:
            try:
                session.connection.cmd_reset_connection()
                session.connection.autocommit = dict(kind[1:]).get("autocommit", True)
                self._idle[kind].append(session)
            except mysql.connector.Error:
                session.close()
        self._lent.clear()


@pytest.fixture(scope="session")
def sessions(mysql_server: PrivateServer, api_url: str, operator_url: str) -> Sessions:
    """The sessions of the whole run."""
    return Sessions({"admin": mysql_server.admin_url(), "api": api_url, "dba": operator_url})


@pytest.fixture
def connect_as(sessions: Sessions) -> Iterator[Callable[..., Database]]:
    """Open sessions as 'admin', 'api' or 'dba'; they end with the test."""
    yield sessions.open
    sessions.take_back()


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
    with httpx.Client(base_url=service.url, timeout=30, verify=False) as client:
        yield client


@pytest.fixture(autouse=True)
def _invariants_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test of the sale, nothing may be wrong."""
    if "mysql_server" not in request.fixturenames:
        yield
    else:
        sessions: Sessions = request.getfixturevalue("sessions")
        yield
        admin = sessions.open("admin")
        assert admin.call("check_invariants") == []
        sessions.take_back()
