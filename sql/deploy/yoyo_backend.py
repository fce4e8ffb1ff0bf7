"""yoyo on mysql-connector, so that the project needs one MySQL driver only."""

from typing import Any, Protocol

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract
from yoyo.backends.core.mysql import MySQLBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import default_migration_table

from sql.deploy.connections import tls
from sql.server.urls import Url


class _YoyoUri(Protocol):
    username: str
    password: str
    hostname: str
    port: int
    database: str
    args: dict[str, Any]


class ConnectorBackend(MySQLBackend):  # type: ignore[misc]
    """yoyo's MySQL backend with mysql-connector's names for the connection's arguments."""

    driver_module = "mysql.connector"

    def connect(self, dburi: _YoyoUri) -> MySQLConnectionAbstract:
        """Open the connection yoyo works on."""
        connection = mysql.connector.connect(
            user=dburi.username,
            password=dburi.password,
            host=dburi.hostname,
            port=dburi.port,
            database=dburi.database,
            charset="utf8mb4",
            use_pure=False,
            **dburi.args,
        )
        assert isinstance(connection, MySQLConnectionAbstract)
        return connection

    def cursor(self) -> Any:
        """Return a buffered cursor: yoyo leaves result sets unread, which the connector refuses otherwise."""
        return self.connection.cursor(buffered=True)

    def quote_identifier(self, identifier: str) -> str:
        """Quote a name in MySQL's own way, whatever sql_mode says."""
        return "`" + identifier.replace("`", "``") + "`"


def open_backend(address: Url) -> ConnectorBackend:
    """Return a backend for the database at the address, with yoyo's lock table in place."""
    uri = DatabaseURI(
        "mysql", address.user, address.password, address.host, address.port, address.database, tls(address)
    )
    backend = ConnectorBackend(uri, default_migration_table)
    backend.init_database()
    return backend
