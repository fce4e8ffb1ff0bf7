"""Database addresses of the form ``mysql://user:password@host:port/database``."""

import re
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract


class Address(NamedTuple):
    """Where a database is and who asks; every part decoded."""

    user: str
    password: str
    host: str
    port: int
    database: str


def parse(url: str) -> Address:
    """Read an address; the database is ``flashsale`` when the URL names none.

    Raises ValueError, without the password, when the URL has another form or its database is not a plain name.
    """
    parts = urlsplit(url)
    if parts.scheme != "mysql" or not parts.hostname or parts.username is None:
        raise ValueError("a database URL looks like mysql://user:password@host:3306/flashsale")
    database = unquote(parts.path.lstrip("/")) or "flashsale"
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", database):
        raise ValueError(f"the database name {database!r} must be letters, digits and underscores")
    return Address(
        unquote(parts.username), unquote(parts.password or ""), parts.hostname, parts.port or 3306, database
    )


def connect(address: Address, **options: Any) -> MySQLConnectionAbstract:
    """Open an autocommit connection to the address's database; ``options`` go to the connector."""
    arguments = {**address._asdict(), "autocommit": True, "charset": "utf8mb4", "use_pure": False, **options}
    connection = mysql.connector.connect(**arguments)
    assert isinstance(connection, MySQLConnectionAbstract)
    return connection
