"""What is measured: the lines of the benchmark, and the points at which each is."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from loadtest.measure import Round
from sql.server.state import say

INSERT = "plain INSERT"
CALL = "CALL create_hold"
HOLD_SETS = "CALL create_holds"
HTTP = "POST /api/holds"
EMPTY = "empty POST"
ORDER_CALL = "CALL create_order"
ORDER_SETS = "CALL create_orders"
ORDER_HTTP = "POST /api/orders"
WEBHOOK_CALL = "CALL receive_payment_webhook"
WEBHOOK_SETS = "CALL receive_payment_webhooks"
WEBHOOK_HTTP = "POST /api/payments/webhook"
PURCHASE_HTTP = "hold, order and payment by HTTP"
GET_CALL = "CALL get_product"
GET_HTTP = "GET /api/products/{id}"
SOLD_OUT_CALL = "CALL create_hold, sold out"
SOLD_OUT_HTTP = "POST /api/holds, sold out"
BY_HTTP = frozenset({HTTP, EMPTY, ORDER_HTTP, WEBHOOK_HTTP, PURCHASE_HTTP, GET_HTTP, SOLD_OUT_HTTP})
IN_SETS = frozenset({HOLD_SETS, ORDER_SETS, WEBHOOK_SETS})

CLIENTS, STRIPES = 32, 64
CROWDS = (1, 32, 128, 512)
"""Clients of holds by HTTP."""
SIZES = ((8, 4), (16, 4), (32, 2), (64, 2))
"""Sets of so many holds on so many connections."""
SIZE = 32
"""The set of which the targets speak, on two connections: one for each core."""
LARGEST = 64
SLOW = 2000
"""µs of binlog_group_commit_sync_delay that stand for a slow, replicated disk."""


class Point(NamedTuple):
    """A line under given conditions.

    clients: requests under way; those of a set share a connection. delay: binlog_group_commit_sync_delay in µs.
    stripes: of the product. size: requests in a set. limited: max_per_customer is 2, and every customer another.
    old: by the API of the old checkout.
    """

    line: str
    clients: int = CLIENTS
    delay: int = 0
    stripes: int = STRIPES
    size: int = 1
    limited: bool = False
    old: bool = False

    @property
    def label(self) -> str:
        """How a table names it; the clients and the delay are said elsewhere."""
        rows = {1: ", 1 row", STRIPES: ""}.get(self.stripes, f", {self.stripes} rows")
        sets = f", {self.connections} × sets of {self.size}" if self.size > 1 else ""
        limit = ", max_per_customer" if self.limited else ""
        return f"{'old API: ' if self.old else ''}{self.line}{sets}{limit}{rows}"

    @property
    def connections(self) -> int:
        """Sockets of the load generators."""
        return self.clients // self.size


Figures = dict[Point, list[Round]]


def in_sets(line: str, size: int = SIZE, connections: int = 2, delay: int = 0, *, limited: bool = False) -> Point:
    """A point of CALLs with sets."""
    return Point(line, size * connections, delay, size=size, limited=limited)


def main_points(*, old: bool) -> list[Point]:
    """The lines of the tables. What does not commit, and what is compared without a delay, is measured without."""
    points: list[Point] = []
    for delay in (0, SLOW):
        points += [Point(INSERT, clients, delay) for clients in (32, 64)]
        points += [Point(CALL, 32, delay, 1), *(Point(CALL, clients, delay) for clients in (32, 64))]
        points += [in_sets(HOLD_SETS, size, connections, delay) for size, connections in SIZES]
        points += [Point(HTTP, clients, delay) for clients in CROWDS]
        points += [in_sets(HOLD_SETS, delay=delay, limited=True)]
        points += [Point(HTTP, clients, delay, limited=True) for clients in (128, 512)]
        points += [in_sets(line, delay=delay) for line in (ORDER_SETS, WEBHOOK_SETS)]
    points += [Point(line) for line in (ORDER_CALL, WEBHOOK_CALL, GET_CALL, SOLD_OUT_CALL)]
    by_http = (ORDER_HTTP, WEBHOOK_HTTP, PURCHASE_HTTP, EMPTY, GET_HTTP, SOLD_OUT_HTTP)
    points += [Point(line, clients) for line in by_http for clients in (32, 128)]
    points += [Point(CALL, 256), Point(CALL, 256, stripes=256)]
    if old:
        points += [Point(HTTP, clients, old=True) for clients in CROWDS]
        lines = (ORDER_HTTP, WEBHOOK_HTTP, PURCHASE_HTTP)
        points += [Point(line, clients, old=True) for line in lines for clients in (32, 128)]
    return points


def clients_points(counts: Sequence[int]) -> list[Point]:
    """Against the number of clients; sets of half of them at most, so that there are two at least."""
    points = []
    for clients in counts:
        points += [Point(line, clients) for line in (INSERT, CALL, HTTP)]
        if clients > 1:
            points.append(Point(HOLD_SETS, clients, size=min(clients // 2, LARGEST)))
    return points


def latency_points(delays: Sequence[int]) -> list[Point]:
    """Against the commit latency."""
    lines = ((INSERT, STRIPES), (CALL, 1), (CALL, STRIPES), (HTTP, STRIPES))
    return [
        point
        for delay in delays
        for point in (
            *(Point(line, delay=delay, stripes=stripes) for line, stripes in lines),
            in_sets(HOLD_SETS, delay=delay),
            Point(HTTP, 128, delay),
        )
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
            say(f"  {point.label:<52}{point.clients:>4} clients  +{point.delay / 1000:g} ms{done.rate:>8.0f}/s")
    return figures
