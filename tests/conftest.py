"""A real MySQL server for the whole run, a real gunicorn in front of it, and the invariants after every test."""

import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import mysql.connector
import pytest
import trustme

from sql.server.private import PrivateServer
from tests.support.accounts import API_PASSWORD, OPERATOR_PASSWORD, url_of
from tests.support.database import Database, Row, committed
from tests.support.distribution import (
    pytest_collection_modifyitems,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)
from tests.support.emptying import empty_tables, keeps_rows
from tests.support.garbage import pytest_collection, pytest_collection_finish
from tests.support.prepared_servers import prepared_server
from tests.support.service import Service

__all__ = [
    "pytest_collection", "pytest_collection_finish", "pytest_collection_modifyitems", "pytest_xdist_auto_num_workers",
    "pytest_xdist_make_scheduler",
]  # fmt: skip


def pytest_configure() -> None:
    """A shell ignores Ctrl-C for what it runs in the background; what a test starts would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each encrypted connection reads all authorities that the machine trusts: 25 ms, of which none is needed here."""
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    trustme.CA().cert_pem.write_to_path(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session")
def mysql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateServer]:
    """A MySQL server of the tests' own, with everything deployed."""
    with prepared_server(tmp_path_factory, "mysql") as server:
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
    """Sessions of all accounts; opening one costs more than most tests, so they are cleared and used again."""

    def __init__(self, urls: dict[str, str]) -> None:
        self._urls = urls
        self._checker: Database | None = None
        self._checked: Row | None = None
        self.ended = False
        """Whether their server is going, before the run ends."""
        self._idle: defaultdict[tuple[object, ...], list[Database]] = defaultdict(list)
        self._lent: list[tuple[tuple[object, ...], Database]] = []

    def open(self, account: str = "dba", **options: Any) -> Database:
        """Lend a session of 'admin', 'api' or 'dba' until the end of the test."""
        kind = (account, *sorted(options.items()))
        session = self._idle[kind].pop() if self._idle[kind] else Database(self._urls[account], **options)
        self._lent.append((kind, session))
        return session

    def take_back(self) -> None:
        """End whatever the lent sessions were doing; those that were killed are gone."""
        for kind, session in self._lent:
            try:
                session.clear(autocommit=dict(kind[1:]).get("autocommit", True))
                self._idle[kind].append(session)
            except mysql.connector.Error:
                session.close()
        self._lent.clear()

    @property
    def checker(self) -> Database:
        """An administrator's session that no test has, so that it is never reset."""
        if self._checker is None or not self._checker.connection.is_connected():
            self._checker = Database(self._urls["admin"])
        return self._checker

    def check(self) -> bool:
        """Fail when an invariant is violated; False, without asking, if nothing was committed since the last time."""
        checker = self.checker
        now = committed(checker)
        if now == self._checked:
            return False
        assert checker.call("check_invariants") == []
        self._checked = now
        return True

    def make_room(self) -> None:
        """Empty the tables when they have grown."""
        empty_tables(self.checker)


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
        request.config.stash[_SESSIONS] = sessions
        yield
        if sessions.check() and "service" not in request.fixturenames and not keeps_rows(request):
            sessions.make_room()


_SESSIONS = pytest.StashKey[Sessions]()


@pytest.fixture(scope="module", autouse=True)
def _room_for_a_file(request: pytest.FixtureRequest) -> None:
    """A file of tests finds no more than a few rows of those before, and nobody who is told."""
    sessions = request.config.stash.get(_SESSIONS, None)
    if sessions and not sessions.ended:
        sessions.make_room()
        sessions.checker.call("set_receivers", "[]")
