"""What the benchmark is to reach, and whether it did: every row of the table at the head of RESULTS.md."""

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loadtest import elsewhere
from loadtest.lines import (
    CALL,
    CROWDS,
    EMPTY,
    GET_CALL,
    GET_HTTP,
    HOLD_SETS,
    HTTP,
    INSERT,
    ORDER_SETS,
    SIZE,
    SLOW,
    SOLD_OUT_CALL,
    SOLD_OUT_HTTP,
    STRIPES,
    WEBHOOK_CALL,
    WEBHOOK_HTTP,
    WEBHOOK_SETS,
    Figures,
    Point,
    in_sets,
)  # fmt: skip
from loadtest.measure import Round, median
from loadtest.purchases import by_http, combined
from loadtest.results import Results
from loadtest.telling import CLIENTS as TELLING_CLIENTS
from loadtest.telling import Telling

MEMORY_MB = 60


@dataclass(frozen=True)
class Target:
    """One row. measured: None when it was left out. least, most: what is asked for; neither: it is only reported."""

    what: str
    where: str
    measured: float | None
    least: float | None = None
    most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is reached; a figure that could not be measured is missed. None: nothing is asked, or left out."""
        if self.measured is None:
            return None
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
        measured = "not measured" if self.measured is None else _figure(self.measured)
        return f"| {self.what} | {self.where} | {measured} | {self.bound} | {self.verdict} |"


def targets(results: Results) -> list[Target]:
    """Those of buyers who travel together, and of how they compare with buyers who come one by one."""
    return [
        *_holds_by_http(results.main),
        *_sets(results.main),
        *_limited(results.main),
        *_beside_the_old_api(results),
        *_cpu_and_reads(results.main),
        *_alone(results.main),
        *_beside_notifications(results.telling),
    ]


def further_targets(results: Results) -> list[Target]:
    """Those of single CALLs, refusals, history and memory."""
    return [
        *_further_holds_by_http(results),
        *_holds_by_call(results.main),
        *_webhooks(results.main),
        *_refused(results),
        *_flat(results),
        *_compared_with_elsewhere(results),
        *_memory(results),
    ]


def ratio(of: Sequence[Round], to: Sequence[Round], figure: str = "rate") -> float:
    """The median over the rounds of the ratio of a figure within a round."""
    pairs = [(getattr(one, figure), getattr(other, figure)) for one, other in zip(of, to, strict=True)]
    return _middle((one for one, _ in pairs), (other for _, other in pairs))


def tail(rounds: Iterable[Round]) -> float:
    """The median over the rounds of p99 / p50."""
    return statistics.median(each.p99 / each.p50 for each in rounds)


def _middle(of: Iterable[float], to: Iterable[float]) -> float:
    return statistics.median(one / other if other else math.nan for one, other in zip(of, to, strict=True))


def _holds_by_http(main: Figures) -> Iterator[Target]:
    """Against plain INSERTs, and against fewer clients."""
    for delay, bounds in ((0, {128: 0.8, 512: 1.0}), (SLOW, {128: 1.3, 512: 1.8})):
        inserts = main[Point(INSERT, delay=delay)]
        for clients, least in bounds.items():
            value = ratio(main[Point(HTTP, clients, delay)], inserts)
            yield Target(f"{HTTP} / {INSERT} ×32, a second", _where(clients, delay), value, least=least)
        for few, many in ((32, 128), (128, 512)):
            value = ratio(main[Point(HTTP, many, delay)], main[Point(HTTP, few, delay)])
            yield Target(f"{HTTP}, {many} clients / {few}, a second", f"+{delay // 1000} ms", value, least=1.0)
        for clients in bounds:
            value = tail(main[Point(HTTP, clients, delay)])
            yield Target(f"{HTTP}, p99 / p50", _where(clients, delay), value, most=4)


def _sets(main: Figures) -> Iterator[Target]:
    """Against plain INSERTs."""
    inserts, where = main[Point(INSERT)], f"2 × sets of {SIZE}, +0 ms"
    for line, least in ((HOLD_SETS, 2.3), (ORDER_SETS, 1.2), (WEBHOOK_SETS, 1.2)):
        yield Target(f"{line} / {INSERT} ×32, a second", where, ratio(main[in_sets(line)], inserts), least=least)
    value = ratio(main[in_sets(HOLD_SETS)], inserts, "mysqld_us")
    yield Target(f"{HOLD_SETS} / {INSERT} ×32, CPU of mysqld for each", where, value, most=0.4)


def _limited(main: Figures) -> Iterator[Target]:
    for delay in (0, SLOW):
        for clients in (128, 512):
            of, to = (main[Point(HTTP, clients, delay, limited=limited)] for limited in (True, False))
            what = f"{HTTP}, max_per_customer = 2 / without a limit, a second"
            yield Target(what, _where(clients, delay), ratio(of, to), least=0.7)
        of, to = (main[in_sets(HOLD_SETS, delay=delay, limited=limited)] for limited in (True, False))
        what = f"{HOLD_SETS}, max_per_customer = 2 / without a limit, a second"
        yield Target(what, f"2 × sets of {SIZE}, +{delay // 1000} ms", ratio(of, to), least=0.7)


def _beside_the_old_api(results: Results) -> Iterator[Target]:
    main, measured = results.main, bool(results.old_crowds)
    for clients in (32, 128):
        now, once = by_http(clients), by_http(clients, old=True)
        value = _middle(combined(main, now), combined(main, once)) if measured else None
        yield Target("hold, order, payment by HTTP / old API, a second", _where(clients), value, least=6)
    value = ratio(results.crowds, results.old_crowds, "seconds") if measured else None
    yield Target("400 buyers for 100 units, all answered after / old API", "+0 ms", value, most=0.4)
    value = ratio(main[Point(HTTP, 1)], main[Point(HTTP, 1, old=True)], "p50") if measured else None
    yield Target("a lone buyer's hold, p50 / old API", _where(1), value, most=1.0)


def _cpu_and_reads(main: Figures) -> Iterator[Target]:
    holds, empty = main[Point(HTTP, 128)], main[Point(EMPTY, 128)]
    yield Target(f"{HTTP}, CPU of the API, µs", _where(128), median(holds, "api_us"), most=110)
    yield Target(f"{HTTP} / {EMPTY}, CPU of the API", _where(128), ratio(holds, empty, "api_us"), most=2.2)
    for clients in (32, 128):
        reads = main[Point(GET_HTTP, clients)]
        value = ratio(reads, main[Point(EMPTY, clients)])
        yield Target(f"{GET_HTTP} / {EMPTY}, a second", _where(clients), value, least=0.6)
        value = ratio(main[Point(SOLD_OUT_HTTP, clients)], reads)
        yield Target(f"{SOLD_OUT_HTTP} / {GET_HTTP}, a second", _where(clients), value, least=0.7)


def _alone(main: Figures) -> Iterator[Target]:
    """A single CALL for each buyer must not have become slower."""
    yield Target(f"{CALL} / {INSERT}, a second", _where(), ratio(main[Point(CALL)], main[Point(INSERT)]), least=0.39)


def _beside_notifications(telling: Telling) -> Iterator[Target]:
    """What buyers lose to deliveries: 5 % at most."""
    what = f"{HTTP} with {telling.pending:,} pending notifications / none, a second"
    yield Target(what, _where(TELLING_CLIENTS), ratio(telling.disturbed, telling.undisturbed), least=0.95)


def _further_holds_by_http(results: Results) -> Iterator[Target]:
    main = results.main
    for delay in (0, SLOW):
        holds = main[Point(HTTP, delay=delay)]
        yield Target(
            f"{HTTP} / {INSERT}, a second", _where(delay=delay), ratio(holds, main[Point(INSERT, delay=delay)])
        )
        yield Target(f"{HTTP}, p99 / p50", _where(delay=delay), tail(holds), most=4)
    value = ratio(main[Point(HTTP)], main[Point(CALL)])
    yield Target(f"{HTTP} / {CALL}, a second", _where(), value, least=0.5)
    for clients in CROWDS:
        once = main.get(Point(HTTP, clients, old=True))
        value_once = ratio(main[Point(HTTP, clients)], once) if once else None
        yield Target(f"{HTTP} / old API, a second", _where(clients), value_once)


def _holds_by_call(main: Figures) -> Iterator[Target]:
    for delay in (0, SLOW):
        for clients in (32, 64):
            if (delay, clients) != (0, 32):
                holds, inserts = main[Point(CALL, clients, delay)], main[Point(INSERT, clients, delay)]
                yield Target(f"{CALL} / {INSERT}, a second", _where(clients, delay), ratio(holds, inserts))
        holds, inserts = (main[Point(line, delay=delay)] for line in (CALL, INSERT))
        yield Target(f"{CALL} / {INSERT}, CPU of mysqld", _where(32, delay), ratio(holds, inserts, "mysqld_us"))
        value = ratio(main[Point(CALL, delay=delay, stripes=1)], inserts)
        yield Target(f"{CALL}, 1 row / {INSERT}, a second", _where(32, delay), value)
        yield Target(f"{CALL}, p99 / p50", _where(64, delay), tail(main[Point(CALL, 64, delay)]), most=5)
    for stripes, least in ((STRIPES, 0.8), (256, None)):
        value = ratio(main[Point(CALL, 256, stripes=stripes)], main[Point(CALL)])
        yield Target(f"{CALL}, 256 clients / 32, a second", f"+0 ms, {stripes} stripes", value, least=least)


def _webhooks(main: Figures) -> Iterator[Target]:
    for webhooks, holds in ((WEBHOOK_CALL, CALL), (WEBHOOK_HTTP, HTTP)):
        value = ratio(main[Point(webhooks)], main[Point(holds)])
        yield Target(f"{webhooks} / {holds}, a second", _where(), value, least=0.5)


def _refused(results: Results) -> Iterator[Target]:
    main, refusals = results.main, results.refusals
    yield Target(
        f"{SOLD_OUT_CALL} / {GET_CALL}, a second", _where(), ratio(main[Point(SOLD_OUT_CALL)], main[Point(GET_CALL)])
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
    what = "400 buyers for 100 units by HTTP, settled after ms; the best elsewhere"
    yield Target(what, "+0 ms", settled, most=elsewhere.SETTLED)


def _memory(results: Results) -> Iterator[Target]:
    if results.workers:
        shares = ", ".join(f"{pss:.0f}" for _, pss in results.workers)
        what = f"resident memory of an API worker after the load, MB ({shares} with shared pages divided up)"
        yield Target(what, "HTTP", max(rss for rss, _ in results.workers), most=MEMORY_MB)


def _where(clients: int = 32, delay: int = 0) -> str:
    return f"{clients} client{'s' if clients > 1 else ''}, +{delay // 1000} ms"


def _figure(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "unknown"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:g}" if value == int(value) else f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"
