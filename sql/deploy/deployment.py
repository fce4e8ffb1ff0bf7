"""The whole deployment, in the order in which its parts need each other."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract
from yoyo import read_migrations

from sql.deploy import accounts, group, objects, requirements, rules
from sql.deploy.connections import connect
from sql.deploy.primary import find_primary
from sql.deploy.yoyo_backend import open_backend
from sql.server.urls import Url, parse

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"
LOCK_TIMEOUT_SECONDS = 60

Echo = Callable[[str], None]


def migrate(admin_url: str, api_password: str, operator_password: str, echo: Echo = print) -> None:
    """Create or update everything in the database of ``admin_url``; running it again changes nothing.

    ``admin_url`` names an administrator; of several nodes the one that sells is used, and the EVENT enabled on all. Two
    runs at once wait for each other. Raises mysql.connector.Error, and Failure for a server or a database that the sale
    can't run on: then nothing was created.
    """
    address = find_primary(parse(admin_url))
    with _deploying(address) as connection:
        requirements.check_server(connection)
        requirements.use_database(connection, address.database)
        accounts.apply_account(connection, accounts.OWNER)
        for name in _apply_migrations(address):
            echo(f"  applied migration {name}")
        for change in (*objects.load(connection), rules.load(connection)):
            if change:
                echo(f"  {change}")
        for account in accounts.OTHERS:
            accounts.apply_account(connection, account)
        for account, password in (("flashsale_api", api_password), ("flashsale_operator", operator_password)):
            if accounts.set_password(connection, address, account, password):
                echo(f"  set the password of {account}")
        for change in group.enable_event_everywhere(connection, address):
            echo(f"  {change}")


@contextmanager
def _deploying(address: Url) -> Iterator[MySQLConnectionAbstract]:
    """Yield a connection to the server while no other deployment of the database runs."""
    with closing(connect(address, database=None)) as connection, connection.cursor(buffered=True) as cursor:
        # MySQL takes lock names of up to 64 characters.
        cursor.execute("SELECT GET_LOCK(%s, %s)", (f"deploy.{address.database}"[:64], LOCK_TIMEOUT_SECONDS))
        if cursor.fetchone() != (1,):
            raise mysql.connector.DatabaseError(
                msg=f"another deployment of {address.database} has been running for {LOCK_TIMEOUT_SECONDS} s;"
                " wait for it, or end its connection"
            )
        yield connection


def _apply_migrations(address: Url) -> list[str]:
    with open_backend(address) as backend:
        # The deployment's own lock is held, so a row in yoyo's lock table was left by a run that died.
        backend.break_lock()
        pending = backend.to_apply(read_migrations(str(MIGRATIONS)))
        with backend.lock():
            backend.apply_migrations(pending)
        return [migration.id for migration in pending]
