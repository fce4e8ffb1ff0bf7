"""Connections for the deployment and the tests, in autocommit mode and on the C driver."""

from dataclasses import asdict
from typing import Any

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.server.urls import Url


def connect(address: Url, **options: Any) -> MySQLConnectionAbstract:
    """Open an autocommit connection to the address's database; ``options`` go to the connector."""
    arguments = {**asdict(address), "autocommit": True, "charset": "utf8mb4", "use_pure": False, **options}
    connection = mysql.connector.connect(**arguments)
    assert isinstance(connection, MySQLConnectionAbstract)
    return connection


def query(connection: MySQLConnectionAbstract, statement: str, *arguments: str) -> list[tuple[str, ...]]:
    """Run a statement and return the rows of its one result set, every value as text."""
    with connection.cursor(buffered=True) as cursor:
        cursor.execute(statement, arguments)
        rows = [tuple(map(str, row)) for row in cursor.fetchall()]
        while cursor.nextset():
            pass
    return rows
