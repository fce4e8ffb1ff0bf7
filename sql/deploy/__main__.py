"""``python -m sql.deploy migrate|seed``: what ``make migrate`` and ``make seed`` run.

A variable that is not set may be given as a file: FLASHSALE_ADMIN_URL_FILE is the path of one that holds its value.
"""

import os
import sys
from pathlib import Path

import mysql.connector

from sql.deploy import migrate, seed
from sql.server.state import Failure


def main(arguments: list[str]) -> int:
    """Run one action on the server of FLASHSALE_ADMIN_URL; return the exit status."""
    try:
        match arguments:
            case ["migrate"]:
                migrate(
                    _required("FLASHSALE_ADMIN_URL"),
                    _required("FLASHSALE_API_PASSWORD"),
                    _required("FLASHSALE_OPERATOR_PASSWORD"),
                )
            case ["seed"]:
                print(f"  product {seed(_required('FLASHSALE_ADMIN_URL'))} is on sale")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (mysql.connector.Error, Failure) as error:
        print(f"{' '.join(arguments)} failed: {error}", file=sys.stderr)
        return 1
    return 0


def _required(name: str) -> str:
    value = os.environ.get(name)
    path = os.environ.get(f"{name}_FILE")
    if path and not value:
        try:
            value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise Failure(f"{name}_FILE: {error}") from error
    if not value:
        raise Failure(f"{name} is not set, nor {name}_FILE; 'make migrate' sets it for the private server")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
