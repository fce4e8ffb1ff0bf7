"""Connections for the deployment and the tests, in autocommit mode and on the C driver."""

from typing import Any

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.server.urls import Url


def connect(address: Url, **options: Any) -> MySQLConnectionAbstract:
    """Open an autocommit connection to the address's database; ``options`` go to the connector."""
    arguments = {
        "user": address.user,
        "password": address.password,
        "host": address.host,
        "port": address.port,
        "database": address.database,
        **tls(address),
        "autocommit": True,
        "charset": "utf8mb4",
        "use_pure": False,
        **options,
    }
    connection = mysql.connector.connect(**arguments)
    assert isinstance(connection, MySQLConnectionAbstract)
    if address.ssl_mode and query(connection, "SHOW SESSION STATUS LIKE 'Ssl_cipher'") == [("Ssl_cipher", "")]:
        connection.close()  # the connector only prefers TLS, and takes what a server without it gives
        raise mysql.connector.InterfaceError(errno=2026, msg="the URL asks for TLS, and MySQL does not offer it")
    return connection


def tls(address: Url) -> dict[str, Any]:
    """What the connector wants to be told about TLS."""
    if not address.ssl_ca:
        return {}
    verified = "ssl_verify_cert" if address.ssl_mode == "VERIFY_CA" else "ssl_verify_identity"
    return {"ssl_ca": address.ssl_ca, verified: True}


def execute(connection: MySQLConnectionAbstract, *statements: str) -> None:
    """Run statements that return nothing."""
    for statement in statements:
        query(connection, statement)


def query(connection: MySQLConnectionAbstract, statement: str, *arguments: str) -> list[tuple[str, ...]]:
    """Run a statement and return the rows of its one result set, every value as text."""
    with connection.cursor(buffered=True) as cursor:
        cursor.execute(statement, arguments)
        rows = [tuple(map(str, row)) for row in cursor.fetchall()]
        while cursor.nextset():
            pass
    return rows
