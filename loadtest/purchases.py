"""Whole purchases: a hold, its order and its payment, each measured by itself, and all three by the same buyer."""

from collections.abc import Sequence
from typing import NamedTuple

from loadtest.lines import (
    CALL,
    HOLD_SETS,
    HTTP,
    ORDER_CALL,
    ORDER_HTTP,
    ORDER_SETS,
    PURCHASE_HTTP,
    SIZE,
    WEBHOOK_CALL,
    WEBHOOK_HTTP,
    WEBHOOK_SETS,
    Figures,
    Point,
    in_sets,
)  # fmt: skip


class Way(NamedTuple):
    """A way to buy: its three steps, and the point at which one buyer goes through all of them, if it is measured."""

    name: str
    steps: Sequence[Point]
    chain: Point | None = None


def by_http(clients: int, *, old: bool = False) -> Way:
    """By HTTP, under this API or the old one."""
    steps = [Point(line, clients, old=old) for line in (HTTP, ORDER_HTTP, WEBHOOK_HTTP)]
    name = f"{'old API' if old else 'HTTP'}, {clients} clients"
    return Way(name, steps, Point(PURCHASE_HTTP, clients, old=old))


BY_CALL = Way("CALL, 32 clients", [Point(line) for line in (CALL, ORDER_CALL, WEBHOOK_CALL)])
BY_SETS = Way(f"CALL, 2 × sets of {SIZE}", [in_sets(line) for line in (HOLD_SETS, ORDER_SETS, WEBHOOK_SETS)])


def ways(main: Figures) -> list[Way]:
    """Those that were measured."""
    by = [by_http(clients, old=old) for old in (False, True) for clients in (32, 128)]
    return [way for way in (BY_CALL, BY_SETS, *by) if all(step in main for step in way.steps)]


def combined(main: Figures, way: Way) -> list[float]:
    """Purchases a second in each round, if the three took turns: 1 / Σ 1/rate."""
    rounds = zip(*(main[step] for step in way.steps), strict=True)
    return [1 / sum(1 / step.rate if step.rate else float("inf") for step in steps) for steps in rounds]
