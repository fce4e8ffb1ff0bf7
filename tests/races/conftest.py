"""A crowd of buyers with a session each, opened once for all races."""

from collections.abc import Callable, Iterator

import pytest

from tests.support.database import Database


@pytest.fixture(scope="session")
def _crowd_sessions() -> Iterator[list[Database]]:
    sessions: list[Database] = []
    yield sessions
    for session in sessions:
        session.close()


@pytest.fixture
def crowd(operator_url: str, _crowd_sessions: list[Database]) -> Callable[[int], list[Database]]:
    """`crowd(64)`: 64 sessions, all in the present; opening them takes longer than most races."""

    def gather(size: int) -> list[Database]:
        while len(_crowd_sessions) < size:
            _crowd_sessions.append(Database(operator_url))
        for session in _crowd_sessions[:size]:
            if not session.connection.is_connected():
                session.connection.reconnect()
            session.come_back()
        return _crowd_sessions[:size]

    return gather
