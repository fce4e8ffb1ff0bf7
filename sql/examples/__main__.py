"""`make examples`: write the areas of `help`, the tables of the manual, and what every session prints.

The sessions run on a MySQL of their own.
"""

import secrets
import sys
import tempfile
from pathlib import Path

from sql import areas, tables
from sql.deploy import migrate
from sql.deploy.seed import seed
from sql.examples.sessions import sessions, shown
from sql.server.private import PrivateServer
from sql.server.programs import find_programs
from sql.server.state import STATE, private_folder, say
from sql.server.urls import parse


def main() -> int:
    """Write each .out beside its .sql; the exit status."""
    password, unused = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    areas.write()
    tables.write()
    client = find_programs().mysql_command()
    with (
        tempfile.TemporaryDirectory(prefix="examples-", dir=private_folder(STATE)) as folder,
        PrivateServer(Path(folder), root_password=secrets.token_urlsafe(12), echo=lambda _: None) as server,
    ):
        migrate(server.admin_url(), unused, password, echo=lambda _: None)
        seed(server.admin_url())
        operator = parse(server.url("flashsale_operator", password))
        for session in sessions():
            told = shown(client, operator, session)
            session.with_suffix(".out").write_text(told, encoding="utf-8")
            say(f"{session.stem}: {told.count('mysql> ')} statements")
    return 0


if __name__ == "__main__":
    sys.exit(main())
