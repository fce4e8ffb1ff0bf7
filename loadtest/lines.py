"""What is measured: the lines of the benchmark, and the points at which each is."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from loadtest.measure import Round
from sql.server.state import say

INSERT = "plain INSERT"
CALL = "CALL create_hold"
HTTP = "POST /api/holds"
EMPTY = "empty POST"
WEBHOOK_CALL = "CALL receive_payment_webhook"
WEBHOOK_HTTP = "POST /api/payments/webhook"
GET_CALL = "CALL get_product"
GET_HTTP = "GET /api/products/{id}"
SOLD_OUT_CALL = "CALL create_hold, sold out"
SOLD_OUT_HTTP = "POST /api/holds, sold out"
BY_HTTP = frozenset({HTTP, EMPTY, WEBHOOK_HTTP, GET_HTTP, SOLD_OUT_HTTP})

CLIENTS, STRIPES = 32, 64
SLOW = 2000
"""µs of binlog_group_commit_sync_delay that stand for a slow, replicated disk."""


class Point(NamedTuple):
    """A line under given conditions. delay: binlog_group_commit_sync_delay in µs. stripes: of the product."""

    line: str
    clients: int = CLIENTS
    delay: int = 0
    stripes: int = STRIPES

    @property
    def label(self) -> str:
        """How a table names it; the clients and the delay are said elsewhere."""
        rows = {1: ", 1 row", STRIPES: ""}.get(self.stripes, f", {self.stripes} rows")
        return f"{self.line}{rows}"


Figures = dict[Point, list[Round]]


def main_points() -> list[Point]:
    """The lines of the tables. What does not commit is measured without a delay only."""
    points = []
    for delay in (0, SLOW):
        for clients in (32, 64):
            holds = [Point(line, clients, delay) for line in (INSERT, CALL, HTTP)]
            points += [holds[0], Point(CALL, clients, delay, 1), *holds[1:]]
        points += [Point(line, CLIENTS, delay) for line in (WEBHOOK_CALL, WEBHOOK_HTTP)]
    points += [Point(line) for line in (EMPTY, GET_HTTP, SOLD_OUT_HTTP, GET_CALL, SOLD_OUT_CALL)]
    return [*points, Point(CALL, 256), Point(CALL, 256, stripes=256)]


def clients_points(counts: Sequence[int]) -> list[Point]:
    """Against the number of clients."""
    return [Point(line, clients) for clients in counts for line in (INSERT, CALL, HTTP)]


def latency_points(delays: Sequence[int]) -> list[Point]:
    """Against the commit latency."""
    return [
        Point(line, delay=delay, stripes=stripes)
        for delay in delays
        for line, stripes in ((INSERT, STRIPES), (CALL, 1), (CALL, STRIPES), (HTTP, STRIPES))
    ]


def stripes_points(numbers: Sequence[int]) -> list[Point]:
    """Against the number of stripes."""
    return [Point(CALL, delay=delay, stripes=stripes) for stripes in numbers for delay in (0, SLOW)]


def interleave(what: str, points: Iterable[Point], rounds: int, measure: Callable[[Point], Round]) -> Figures:
    """Every point, round by round."""
    figures: Figures = {point: [] for point in points}
    for number in range(rounds):
        say(f"{what}, round {number + 1} of {rounds}")
        # There and back again: what drifts with time favours nobody.
        for point in list(figures)[:: 1 if number % 2 == 0 else -1]:
            done = measure(point)
            figures[point].append(done)
            say(
                f"  {point.label:<30}{point.clients:>4} clients  +{point.delay / 1000:g} ms  {point.stripes:>2} stripes"
                f"{done.rate:>8.0f}/s"
            )
    return figures
