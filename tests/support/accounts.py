"""The accounts of the tests' servers: their passwords, and their addresses."""

from urllib.parse import quote

from sql.server.private import PrivateServer

ROOT_PASSWORD = "root-password"
API_PASSWORD = "api's p@ss/wörd"
OPERATOR_PASSWORD = "operator-password"


def url_of(server: PrivateServer, user: str, password: str) -> str:
    """The address of the tests' database for another account."""
    return f"mysql://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{server.port}/flashsale"
