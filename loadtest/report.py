"""RESULTS.md, and its short form for a terminal."""

import datetime
import statistics
from collections.abc import Iterable, Sequence

from loadtest import elsewhere, older
from loadtest.lines import (
    BY_HTTP,
    CALL,
    CROWDS,
    EMPTY,
    GET_HTTP,
    HOLD_SETS,
    HTTP,
    INSERT,
    SLOW,
    SOLD_OUT_HTTP,
    STRIPES,
    Figures,
    Point,
    in_sets,
)  # fmt: skip
from loadtest.measure import Round, median
from loadtest.method import LIMITS, method
from loadtest.purchases import combined, ways
from loadtest.results import Results
from loadtest.targets import Target, further_targets, targets
from loadtest.trials import CROWD, CROWD_STOCK, RUSH_STOCK

TARGETS_HEAD = ["| | where | measured | target | |", "|---|---|---|---|---|"]
FIGURES_HEAD = "a second | lowest–highest round | p50 ms | p95 ms | p99 ms | CPU µs: mysqld | API | client |"
PLOTS = {
    "clients": "Against the number of clients",
    "latency": "Against the commit latency",
    "stripes": "Against the number of stripes",
    "history": "Against rows of history",
}


def markdown(results: Results) -> str:
    """RESULTS.md: what one looks for is open, all else is folded."""
    today = datetime.datetime.now(datetime.UTC).date()
    further = further_targets(results)
    return "\n".join(
        [
            "# Results of the benchmark",
            "",
            f"Made by `make bench{' OLD=…' if results.old_crowds else ''}` on {today}; the same command makes them"
            f" anew, with your figures, in {results.minutes:.0f} minutes.",
            *_old_api(results),
            "",
            "Ratios are what counts: both sides of each were measured in the same run, in interleaved rounds.",
            "A group of three beside one server, and its fail-overs: [CLUSTER.md](CLUSTER.md).",
            "",
            "## Targets",
            "",
            "A ratio is the median of the ratios within a round.",
            "",
            *_rows(targets(results)),
            "",
            *_fold(f"further targets: {_verdicts(further)}", _rows(further)),
            "## What a second sells",
            "",
            *_at_a_glance(results.main),
            "",
            "## Whole purchases",
            "",
            *_purchases(results.main),
            "",
            *_tables(results.main),
            *_sweeps(results),
            "## Beside other stacks",
            "",
            *_stacks(results),
            "",
            "## What was tried, and what limits it",
            "",
            *LIMITS,
            "",
            "## Nothing oversold",
            "",
            *_oversell(results),
            "",
            "## Hardware and durability",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in results.machine.items()),
            f"| Other work | {_others(results)} |",
            "",
            *_fold("how it is measured", method(results.plan)),
        ]
    )


def summary(results: Results) -> str:
    """The verdict, for a terminal."""
    rows = _rows([*targets(results), *further_targets(results)])
    return "\n".join(["", *rows, "", *_oversell(results), "", f"While it ran, {_others(results)}."])


def _old_api(results: Results) -> list[str]:
    """What to do for the rows that are not there."""
    if results.old_crowds:
        return [
            f"`old API` is the last one that had a thread for each buyer (commit {older.LAST}), in the same rounds."
        ]
    return [f"The old API was not measured beside it: {older.HOW}."]


def _rows(rows: Sequence[Target]) -> list[str]:
    return [*TARGETS_HEAD, *(target.row() for target in rows)]


def _verdicts(rows: Sequence[Target]) -> str:
    met = [row.met for row in rows]
    return f"{met.count(True)} met, {met.count(False)} missed"


def _fold(title: str, lines: Iterable[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>", ""]


def _at_a_glance(main: Figures) -> Iterable[str]:
    """The rates of the most important lines, and what each costs."""
    yield "| | a second, +0 ms | +2 ms | p99 ms, +0 | +2 | CPU µs: mysqld, +0 ms | API |"
    yield "|---" * 7 + "|"
    chosen = [Point(INSERT), Point(CALL), in_sets(HOLD_SETS), in_sets(HOLD_SETS, limited=True)]
    chosen += [Point(HTTP, each) for each in CROWDS] + [Point(HTTP, 128, limited=True)]
    chosen += [Point(HTTP, each, old=True) for each in CROWDS]
    chosen += [Point(line, 128) for line in (GET_HTTP, SOLD_OUT_HTTP, EMPTY)]
    for point in chosen:
        if point in main:
            both = [main[point], main.get(point._replace(delay=SLOW), [])]
            rates, tails = (
                [f"{median(each, what):{form}}" if each else "" for each in both]
                for what, form in (("rate", ",.0f"), ("p99", ".1f"))
            )
            api = f"{median(both[0], 'api_us'):.0f}" if point.line in BY_HTTP else ""
            number = "" if point.size > 1 else f", {point.clients} client{'s' if point.clients > 1 else ''}"
            yield (
                f"| {point.label}{number} | {' | '.join(rates + tails)} | {median(both[0], 'mysqld_us'):.0f} | {api} |"
            )


def _purchases(main: Figures) -> Iterable[str]:
    """A second: each step by itself, the three in turn, and one buyer who goes through all of them."""
    yield "| +0 ms | holds a second | orders | payments | purchases: 1 / Σ 1/rate | hold, order, payment in a chain |"
    yield "|---" * 6 + "|"
    for way in ways(main):
        steps = " | ".join(f"{median(main[step], 'rate'):,.0f}" for step in way.steps)
        chain = f"{median(main[way.chain], 'rate'):,.0f}" if way.chain else ""
        yield f"| {way.name} | {steps} | {statistics.median(combined(main, way)):,.0f} | {chain} |"


def _tables(main: Figures) -> Iterable[str]:
    """A table for each number of clients and each delay."""
    for delay in sorted({point.delay for point in main}):
        lines = [f"| clients | | {FIGURES_HEAD}", "|---" * 10 + "|"]
        lines += [
            _figures(f"{point.clients} | {point.label}", point.line, rounds)
            for point, rounds in sorted(main.items(), key=lambda item: item[0].clients)
            if point.delay == delay
        ]
        yield from _fold(f"all lines, +{delay // 1000} ms a commit", lines)


def _figures(label: str, line: str, rounds: Sequence[Round]) -> str:
    lowest, highest = min(each.rate for each in rounds), max(each.rate for each in rounds)
    latencies = " | ".join(f"{median(rounds, figure):.1f}" for figure in ("p50", "p95", "p99"))
    api = f"{median(rounds, 'api_us'):.0f}" if line in BY_HTTP else ""
    return (
        f"| {label} | {median(rounds, 'rate'):,.0f} | {lowest:,.0f}–{highest:,.0f} | {latencies}"
        f" | {median(rounds, 'mysqld_us'):.0f} | {api} | {median(rounds, 'client_us'):.0f} |"
    )


def _sweeps(results: Results) -> Iterable[str]:
    """The plots, and their figures."""
    yield from ("## Against clients, commit latency, stripes and history", "")
    for name, title in PLOTS.items():
        yield from (f"![{title}](plots/{name}.svg)", "")
    lines = [f"| | clients | + ms | stripes | {FIGURES_HEAD}", "|---" * 12 + "|"]
    for points in (results.clients, results.latency, results.stripes):
        for point, rounds in points.items():
            where = f"{point.clients} | {point.delay / 1000:g} | {point.stripes}"
            lines.append(_figures(f"{point._replace(stripes=STRIPES).label} | {where}", point.line, rounds))
    lines += ["", f"| | rows of history | {FIGURES_HEAD}", "|---" * 10 + "|"]
    for stage in results.history:
        for beside, of_lines in (("", stage.without), (" beside them", stage.beside)):
            for line, rounds in of_lines.items():
                rows = f"{stage.rows:,}" if beside else f"none, same rounds as {stage.rows:,}"
                lines.append(_figures(f"{line}{beside} | {rows}", line, rounds))
    yield from _fold("the figures of the plots", lines)


def _stacks(results: Results) -> Iterable[str]:
    """The orientation table, and ours."""
    main = results.main
    ours = {delay: main[Point(HTTP, delay=delay)] for delay in (0, SLOW)}
    rates = {delay: median(rounds, "rate") for delay, rounds in ours.items()}
    settled = median(results.crowds, "seconds") * 1000
    yield (
        "The other stacks were measured elsewhere on the same kind of machine (2 cores, the same MySQL, full"
        " durability, 32 connections, one product), so they are for orientation only."
    )
    yield from (
        "",
        f"| | holds/s +0 ms | +2 ms | p99 ms +0 | +2 | {CROWD} buyers for {CROWD_STOCK} units, ms |",
        "|---" * 6 + "|",
    )
    for stack in elsewhere.STACKS:
        rows = [f"{stack.holds[0]:,}", f"{stack.holds[SLOW]:,}"]
        rows += [f"{stack.p99[delay]}" if delay in stack.p99 else "" for delay in (0, SLOW)]
        yield f"| {stack.name} | {' | '.join(rows)} | {stack.settled} |"
    tails = " | ".join(f"{median(rounds, 'p99'):.0f}" for rounds in ours.values())
    yield f"| this, `{HTTP}` | {rates[0]:,.0f} | {rates[SLOW]:,.0f} | {tails} | {settled:.0f} |"
    best = {delay: elsewhere.BEST[delay] for delay in rates}
    yield (
        f"| this / the best of them | {rates[0] / best[0]:.1f} × | {rates[SLOW] / best[SLOW]:.1f} × | | |"
        f" {settled / elsewhere.SETTLED:.1f} × |"
    )
    refused = median(main[Point(SOLD_OUT_HTTP)], "rate")
    yield ""
    yield (
        f"{elsewhere.FASTIFY.name} also: {elsewhere.READS:,} product reads/s, {elsewhere.REFUSALS[0]:,} /"
        f" {elsewhere.REFUSALS[SLOW]:,} sold-out answers/s at +0 / +2 ms (this: {refused:,.0f} at +0, and"
        f" no commit to wait for), {elsewhere.API_US} µs of CPU of the API and {elsewhere.MYSQLD_US} µs of mysqld for a"
        f" hold (this: {median(ours[0], 'api_us'):.0f} and {median(ours[0], 'mysqld_us'):.0f})."
    )


def _others(results: Results) -> str:
    """How far the machine was not the benchmark's own: contention costs long code paths more than short ones."""
    shares = [each.others for each in results.every_round()]
    return (
        f"other processes took {statistics.median(shares):.0%} of the CPU time in the median round,"
        f" {max(shares):.0%} in the worst"
    )


def _oversell(results: Results) -> list[str]:
    faults = results.checks.faults
    lines = [
        f"{results.checks.made} checks, {len(faults)} failed. After every round: the units that buyers were told of are"
        " those committed, the orders that were paid are those acknowledged, free, held and sold units make up the"
        " stock, and `check_invariants()` returns no row (beside millions of rows of history: once for each size).",
        "",
    ]
    lines += [f"- FAILED: {fault}" for fault in faults]
    for name, rush in results.rushes.items():
        sold = rush.outcomes[201 if name == HTTP else 0]
        lines.append(
            f"- {RUSH_STOCK:,} units, 32 buyers at once by {name}: {sold:,} acknowledged, the first refusal after"
            f" {rush.seconds:.1f} s."
        )
    settled = ", ".join(f"{crowd.seconds * 1000:.0f}" for crowd in results.crowds)
    lines.append(
        f"- {CROWD} buyers, each with a connection and one request, for {CROWD_STOCK} units by HTTP: {CROWD_STOCK}"
        f" sold, everybody answered after {settled} ms."
    )
    refusals = results.refusals
    lines.append(
        f"- {refusals.buyers:,} refused buyers: {len(refusals.changed)} of {refusals.looked_at} figures changed (rows,"
        " AUTO_INCREMENT and file size of every table, bytes of binary log, open transactions, locks)."
    )
    lines += [f"    - {what}: {was} before, {now} after" for what, (was, now) in refusals.changed.items()]
    took = ", ".join(f"{each.seconds:.1f}" for each in results.sweeping.disturbed)
    lines.append(
        f"- A sweep of {results.sweeping.holds:,} expired holds beside a sale of another product took {took} s and gave"
        " back every unit."
    )
    return lines
