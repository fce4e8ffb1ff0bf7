"""What a server and a database must be like before anything is deployed on them."""

import re

from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import query
from sql.deploy.objects import SQL_FOLDER, read_object
from sql.server.state import Failure

CHARACTERS = "CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"


def check_server(connection: MySQLConnectionAbstract) -> None:
    """Refuse a server on which nothing could be sold. Raises Failure, which says what to do.

    What keeps a server from selling is written in one place, the procedure by which the health check asks for it too.
    """
    procedure = read_object(SQL_FOLDER / "procedures/watch/_read_obstacle.sql")
    [obstacle] = re.findall(r"^  SET out_obstacle = (CASE\b.*?\bEND);$", procedure.statement, re.DOTALL | re.MULTILINE)
    [(found,)] = query(connection, f"SELECT COALESCE({obstacle}, '')")
    if found:
        raise Failure(f"nothing was deployed: {found}")


def use_database(connection: MySQLConnectionAbstract, database: str) -> None:
    """Make it the connection's database, created if needed. Raises Failure for one of another collation.

    A procedure's parameters and locals have the collation of the database that it was created in.
    """
    name = "`" + database.replace("`", "``") + "`"
    collations = query(
        connection,
        "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = %s",
        database,
    )
    if collations not in ([], [("utf8mb4_0900_bin",)]):
        raise Failure(
            f"nothing was deployed: the database {database} has the collation {collations[0][0]}, and the procedures"
            f" would compare their texts by it. Say ALTER DATABASE {name} {CHARACTERS}, then run the migration again"
        )
    with connection.cursor() as cursor:
        if not collations:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {name} {CHARACTERS}")
        cursor.execute(f"USE {name}")
