"""yoyo on mysql-connector, so that the project needs one MySQL driver only."""

from typing import Any, Self

from mysql.connector.abstracts import MySQLConnectionAbstract
from yoyo.backends.core.mysql import MySQLBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import Migration, default_migration_table

from sql.deploy.connections import connect
from sql.deploy.patience import SLICE_SECONDS, insist
from sql.server.urls import Url


class ConnectorBackend(MySQLBackend):  # type: ignore[misc]
    """yoyo's MySQL backend with mysql-connector's names for the connection's arguments."""

    driver_module = "mysql.connector"

    def connect(self, dburi: DatabaseURI) -> MySQLConnectionAbstract:
        """Open the connection yoyo works on, to the address that `open_backend` put beside what yoyo reads."""
        return connect(dburi.args["address"], autocommit=False)

    def cursor(self) -> Any:
        """Return a buffered cursor: yoyo leaves result sets unread, which the connector refuses otherwise."""
        return self.connection.cursor(buffered=True)

    def quote_identifier(self, identifier: str) -> str:
        """Quote a name in MySQL's own way, whatever sql_mode says."""
        return "`" + identifier.replace("`", "``") + "`"

    def init_database(self) -> None:
        """Make yoyo's lock table, but only where it is missing.

        yoyo itself would try it each time, and make and drop a table to find out whether MySQL can undo that: it can't.
        """
        self.has_transactional_ddl = False
        if self.lock_table not in self.list_tables():
            self.create_lock_table()
        self.rollback()

    def copy(self) -> Self:
        """Open the connection that a migration runs on, where it waits for locks in slices."""
        backend: Self = super().copy()
        backend.has_transactional_ddl = False
        backend.execute(f"SET SESSION lock_wait_timeout = {SLICE_SECONDS}")
        return backend

    # A migration is one statement: when that did not get its lock, nothing is done.

    def apply_one(self, migration: Migration, force: bool = False, mark: bool = True) -> None:
        """Apply a migration, in as many tries as it takes to get its locks."""
        act = super().apply_one
        insist(self.connection, f"migration {migration.id}", "", lambda: act(migration, force, mark))


def open_backend(address: Url) -> ConnectorBackend:
    """Return a backend for the database at the address, with yoyo's lock table in place."""
    args = {"address": address}
    uri = DatabaseURI("mysql", address.user, address.password, address.host, address.port, address.database, args)
    backend = ConnectorBackend(uri, default_migration_table)
    backend.init_database()
    return backend
