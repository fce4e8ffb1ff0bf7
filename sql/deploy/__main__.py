"""``python -m sql.deploy migrate|rollback|seed``: what ``make migrate`` and ``make seed`` run."""

import os
import sys

import mysql.connector

from sql.deploy import migrate, rollback, seed


def main(arguments: list[str]) -> int:
    """Run one action on the server of FLASHSALE_ADMIN_URL; return the exit status."""
    try:
        match arguments:
            case ["migrate"]:
                migrate(*(_required(name) for name in _MIGRATE_NEEDS))
            case ["rollback"]:
                rollback(_required("FLASHSALE_ADMIN_URL"))
            case ["seed"]:
                print(f"  product {seed(_required('FLASHSALE_ADMIN_URL'))} is on sale")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (mysql.connector.Error, ValueError) as error:
        print(f"{' '.join(arguments)} failed: {error}", file=sys.stderr)
        return 1
    return 0


_MIGRATE_NEEDS = ("FLASHSALE_ADMIN_URL", "FLASHSALE_API_PASSWORD", "FLASHSALE_OPERATOR_PASSWORD")


def _required(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ValueError(f"{name} is not set; 'make migrate' sets it for the private server")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
