"""How long the tests of faults take: short in `make test`, long in `make test-faults`."""

import os

LONG = {"short": False, "long": True}[os.environ.get("FLASHSALE_FAULTS") or "short"]


def times(short: int, long: int) -> int:
    """How often something is to be broken."""
    return long if LONG else short
