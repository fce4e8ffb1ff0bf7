"""The sale's numbers as Prometheus is told them, of what the procedures say at this moment."""

from api.watch.sale_numbers import series
from tests.support.database import Database

Number = tuple[str, int | None, str | None]


def numbers(db: Database, *, live: bool = False) -> dict[Number, float]:
    """By metric, product and state, each once; live: only those that are asked for every second."""
    walked = ([], None) if live else (db.call("show_totals"), db.call("check_invariants"))
    found: dict[Number, float] = {}
    for number, labels, value in series(db.call("show_board"), *walked):
        product, *states = labels if number.of_products else (None, *labels)
        key = number.name, None if product is None else int(product), states[0] if states else None
        assert key not in found
        found[key] = value
    return found
