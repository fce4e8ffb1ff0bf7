"""``python -m sql.deploy migrate|seed``: what ``make migrate`` and ``make seed`` run.

A variable may be given as a file: FLASHSALE_ADMIN_URL_FILE is the path of one that holds its value.
"""

import os
import sys

import mysql.connector

from sql.deploy import migrate, seed
from sql.deploy.primary import find_primary
from sql.deploy.unfinished import begun
from sql.server.state import Failure
from sql.server.urls import parse
from sql.server.variables import ADMIN_URL, API_PASSWORD, OPERATOR_PASSWORD, read_variable


def main(arguments: list[str]) -> int:
    """Run one action on the server of FLASHSALE_ADMIN_URL; return the exit status."""
    try:
        match arguments:
            case ["migrate"]:
                url, password, operator_password = map(_required, (ADMIN_URL, API_PASSWORD, OPERATOR_PASSWORD))
                _require_whole(url)
                migrate(url, password, operator_password)
            case ["seed"]:
                print(f"  product {seed(_required(ADMIN_URL))} is on sale")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (mysql.connector.Error, Failure) as error:
        print(f"{' '.join(arguments)} failed: {error}", file=sys.stderr)
        return 1
    return 0


def _require_whole(url: str) -> None:
    """Nobody sells from a database that a restore left in the middle."""
    if begun(find_primary(parse(url, ADMIN_URL))):
        raise Failure("a restore of this database did not finish, so it is not whole: make restore FILE=<the backup>")


def _required(name: str) -> str:
    value = read_variable(os.environ, name)
    if not value:
        raise Failure(f"{name} is not set, nor {name}_FILE; 'make migrate' sets it for the private server")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
