"""``python -m sql.deploy migrate|rollback|seed``: what ``make migrate`` and ``make seed`` run."""

import os
import sys

import mysql.connector

from sql.deploy import migrate, rollback, seed
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
            case ["rollback"]:
                rollback(_required("FLASHSALE_ADMIN_URL"))
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
    if not value:
        raise Failure(f"{name} is not set; 'make migrate' sets it for the private server")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
