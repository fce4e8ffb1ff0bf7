"""What the benchmark is to reach, and whether it did: every row of the table at the head of RESULTS.md."""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loadtest import elsewhere
from loadtest.lines import (
    CALL,
    EMPTY,
    GET_CALL,
    GET_HTTP,
    HTTP,
    INSERT,
    SLOW,
    SOLD_OUT_CALL,
    SOLD_OUT_HTTP,
    STRIPES,
    WEBHOOK_CALL,
    WEBHOOK_HTTP,
    Figures,
    Point,
)  # fmt: skip
from loadtest.measure import Round, median
from loadtest.results import Results

MEMORY_MB = 60


@dataclass(frozen=True)
class Target:
    """One row. least, most: what is asked for; neither: the figure is only reported."""

    what: str
    where: str
    measured: float
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is reached; a figure that could not be measured is missed. None: nothing is asked."""
        if self.least is not None:
            return self.measured >= self.least
        return self.measured <= self.most if self.most is not None else None

    @property
    def bound(self) -> str:
        """What is asked for, in words."""
        if self.least is not None:
            return f"≥ {_figure(self.least)}"
        return f"≤ {_figure(self.most)}" if self.most is not None else ""

    @property
    def verdict(self) -> str:
        """met or missed."""
        return {True: "met", False: "**missed**", None: ""}[self.met]

    def row(self) -> str:
        """As a row of a table."""
        return f"| {self.what} | {self.where} | {_figure(self.measured)} | {self.bound} | {self.verdict} |"


def targets(results: Results) -> list[Target]:
    """All of them."""
    return [
        *_holds_by_call(results.main),
        *_convoy(results.main),
        *_http(results.main),
        *_webhooks(results.main),
        *_sold_out(results),
        *_flat(results),
        *_compared_with_elsewhere(results),
        *_memory(results),
    ]


def ratio(of: Sequence[Round], to: Sequence[Round], figure: str = "rate") -> float:
    """The median over the rounds of the ratio of a figure within a round."""
    pairs = [(getattr(one, figure), getattr(other, figure)) for one, other in zip(of, to, strict=True)]
    return statistics.median(one / other if other else math.nan for one, other in pairs)


def tail(rounds: Iterable[Round]) -> float:
    """The median over the rounds of p99 / p50."""
    return statistics.median(each.p99 / each.p50 for each in rounds)


def _holds_by_call(main: Figures) -> Iterator[Target]:
    for delay, least in ((0, 0.5), (SLOW, 0.7)):
        for clients in (32, 64):
            holds, inserts = main[Point(CALL, clients, delay)], main[Point(INSERT, clients, delay)]
            where = _where(clients, delay)
            yield Target(f"{CALL} / {INSERT}, a second", where, ratio(holds, inserts), least=least)
            yield Target(f"{CALL} / {INSERT}, CPU of mysqld", where, ratio(holds, inserts, "mysqld_us"), most=2.4)
            counter = main[Point(CALL, clients, delay, 1)]
            yield Target(f"{CALL}, 1 row / {INSERT}, a second", where, ratio(counter, inserts))


def _convoy(main: Figures) -> Iterator[Target]:
    for delay in (0, SLOW):
        yield Target(f"{CALL}, p99 / p50", _where(64, delay), tail(main[Point(CALL, 64, delay)]), most=5)
    for stripes, least in ((STRIPES, 0.8), (256, None)):
        value = ratio(main[Point(CALL, 256, stripes=stripes)], main[Point(CALL)])
        yield Target(f"{CALL}, 256 clients / 32, a second", f"+0 ms, {stripes} stripes", value, least=least)


def _http(main: Figures) -> Iterator[Target]:
    holds = main[Point(HTTP)]
    yield Target(f"{HTTP} / {EMPTY}, CPU of the API", _where(), ratio(holds, main[Point(EMPTY)], "api_us"), most=1.5)
    for delay in (0, SLOW):
        yield Target(f"{HTTP}, p99 / p50", _where(delay=delay), tail(main[Point(HTTP, delay=delay)]), most=4)
    for delay, least in ((0, 0.5), (SLOW, None)):
        by_call = main[Point(CALL, delay=delay)]
        yield Target(
            f"{HTTP} / {CALL}, a second",
            _where(delay=delay),
            ratio(main[Point(HTTP, delay=delay)], by_call),
            least=least,
        )


def _webhooks(main: Figures) -> Iterator[Target]:
    for delay, least in ((0, 0.5), (SLOW, None)):
        for webhooks, holds in ((WEBHOOK_CALL, CALL), (WEBHOOK_HTTP, HTTP)):
            value = ratio(main[Point(webhooks, delay=delay)], main[Point(holds, delay=delay)])
            yield Target(f"{webhooks} / {holds}, a second", _where(delay=delay), value, least=least)


def _sold_out(results: Results) -> Iterator[Target]:
    main, refusals = results.main, results.refusals
    for refused, read, least in ((SOLD_OUT_HTTP, GET_HTTP, 0.9), (SOLD_OUT_CALL, GET_CALL, None)):
        yield Target(
            f"{refused} / {read}, a second", _where(), ratio(main[Point(refused)], main[Point(read)]), least=least
        )
    what = f"rows, files, locks, binary log: of {refusals.looked_at} figures {refusals.buyers:,} refused buyers changed"
    yield Target(what, "HTTP", len(refusals.changed), most=0)


def _flat(results: Results) -> Iterator[Target]:
    last = results.history[-1]
    where = f"{last.rows:,} rows of history / none"
    for line in (CALL, GET_CALL):
        beside, without = last.beside[line], last.without[line]
        yield Target(f"{line}, CPU of mysqld", where, ratio(beside, without, "mysqld_us"), most=1.1)
        yield Target(f"{line}, time for each", where, ratio(without, beside), most=1.1)
    sweeping = results.sweeping
    yield Target(
        f"{CALL} while a sweep returns {sweeping.holds:,} expired holds of another product / undisturbed, a second",
        _where(), ratio(sweeping.disturbed, sweeping.undisturbed), least=0.7,
    )  # fmt: skip


def _compared_with_elsewhere(results: Results) -> Iterator[Target]:
    for delay in (0, SLOW):
        rate = median(results.main[Point(HTTP, delay=delay)], "rate")
        what = f"{HTTP} a second; the best elsewhere × {elsewhere.TIMES[delay]}"
        yield Target(what, _where(delay=delay), rate, least=elsewhere.BEST[delay] * elsewhere.TIMES[delay])
    refused = median(results.main[Point(SOLD_OUT_HTTP)], "rate")
    yield Target(f"{SOLD_OUT_HTTP}, a second; the best elsewhere", _where(), refused, least=elsewhere.REFUSALS[0])
    settled = median(results.crowds, "seconds") * 1000
    yield Target(
        "400 buyers for 100 units by HTTP, settled after ms; the best elsewhere",
        "+0 ms",
        settled,
        most=elsewhere.SETTLED,
    )


def _memory(results: Results) -> Iterator[Target]:
    if results.workers:
        shares = ", ".join(f"{pss:.0f}" for _, pss in results.workers)
        what = f"resident memory of an API worker after the load, MB ({shares} with shared pages divided up)"
        yield Target(what, "HTTP", max(rss for rss, _ in results.workers), most=MEMORY_MB)


def _where(clients: int = 32, delay: int = 0) -> str:
    return f"{clients} clients, +{delay // 1000} ms"


def _figure(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "unknown"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:g}" if value == int(value) else f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
