"""Cases that bring any two values of any two columns together, in as few rows as a greedy search finds."""

from collections.abc import Sequence
from itertools import combinations


def all_pairs(columns: Sequence[Sequence[object]]) -> list[tuple[object, ...]]:
    """Rows with a value of each column. Any two values of two columns share a row. Always the same rows."""
    missing = {
        (one, a, other, b)
        for one, other in combinations(range(len(columns)), 2)
        for a in range(len(columns[one])) for b in range(len(columns[other]))
    }  # fmt: skip
    rows = []
    while missing:
        one, a, other, b = min(missing)
        row = {one: a, other: b}
        for column in range(len(columns)):
            if column not in row:
                row[column] = max(
                    range(len(columns[column])),
                    key=lambda value: (len(missing & _pairs({**row, column: value})), -value),
                )
        missing -= _pairs(row)
        rows.append(tuple(columns[column][row[column]] for column in range(len(columns))))
    return rows


def _pairs(row: dict[int, int]) -> set[tuple[int, int, int, int]]:
    return {(one, row[one], other, row[other]) for one, other in combinations(sorted(row), 2)}
