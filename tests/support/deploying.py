"""Deployments, and databases that tests have to themselves."""

from collections.abc import Iterator
from contextlib import contextmanager

from sql.deploy import migrate
from sql.server.private import PrivateServer
from tests.support.accounts import API_PASSWORD, OPERATOR_PASSWORD
from tests.support.database import Database


def deploy(url: str) -> list[str]:
    """Deploy and return what was said to have changed."""
    lines: list[str] = []
    migrate(url, API_PASSWORD, OPERATOR_PASSWORD, echo=lines.append)
    return [line.strip() for line in lines]


@contextmanager
def deployed(server: PrivateServer, name: str) -> Iterator[str]:
    """The address of a deployed database of this name; it is gone afterwards."""
    address = server.admin_url(name)
    deploy(address)
    yield address
    with Database(server.admin_url()) as session:
        session.query(f"DROP DATABASE {name}")
