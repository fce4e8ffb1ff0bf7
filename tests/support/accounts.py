"""The accounts of the tests' servers: their passwords, and their addresses."""

from sql.server.private import PrivateServer

ROOT_PASSWORD = "root-password"
API_PASSWORD = "api's p@ss/wörd"
OPERATOR_PASSWORD = "operator-password"


def url_of(server: PrivateServer, user: str, password: str) -> str:
    """The address of the tests' database for another account."""
    return server.url(user, password)
