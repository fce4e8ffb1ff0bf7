"""RESULTS.md, and its short form for a terminal."""

import datetime
import statistics
from collections.abc import Iterable, Sequence

from loadtest import elsewhere
from loadtest.lines import BY_HTTP, HTTP, SLOW, SOLD_OUT_HTTP, STRIPES, Figures, Point
from loadtest.measure import GENERATORS, Round, median
from loadtest.results import Results
from loadtest.shop import SOLD_OUT_UNITS
from loadtest.targets import targets
from loadtest.trials import CROWD, CROWD_STOCK, RUSH_STOCK

TARGETS_HEAD = ["| | where | measured | target | |", "|---|---|---|---|---|"]
FIGURES_HEAD = "a second | lowest–highest round | p50 ms | p95 ms | p99 ms | CPU µs: mysqld | API | client |"
PLOTS = (
    ("clients", "Against the number of clients"),
    ("latency", "Against the commit latency"),
    ("stripes", "Against the number of stripes"),
    ("history", "Against rows of history"),
)

LIMITS = (
    "- A hold by CALL: [ADR 2](../docs/adr/0002-two-ways-to-a-hold.md) for the short way and the long one,"
    " [ADR 10](../docs/adr/0010-what-a-hold-costs.md) for what each statement costs, what was tried and what is left.",
    "- A hold by HTTP: [ADR 5](../docs/adr/0005-gunicorn-worker.md) for workers, threads, parsers and what else was"
    " tried, [ADR 7](../docs/adr/0007-one-connection-a-thread.md) for the driver. An empty POST hardly changes threads;"
    " a hold's thread waits for MySQL and then for the interpreter, and finds the caches of its core used by others.",
    "- Sold out, and 400 buyers at once: the same CPUs, since such an answer costs the API nearly what a hold does.",
    "- 256 clients and 64 stripes: four share a stripe, and who waits for one costs two switches of thread more. With"
    " as many stripes as connections it is above the target; `create_product` takes up to 256.",
    "- 5 million rows of history: what grows is the index of ended keys, which each hold looks into once.",
    "- Everything, the clients included, shares the CPUs named below: where the CPU is what limits, a ratio of rates"
    " is at best that of the CPU for each, which the tables show.",
)


def markdown(results: Results) -> str:
    """RESULTS.md."""
    today = datetime.datetime.now(datetime.UTC).date()
    return "\n".join(
        [
            "# Results of the benchmark",
            "",
            f"Made by `make bench` on {today}; the same command makes them anew, with your figures, in"
            f" {results.minutes:.0f} minutes.",
            "",
            "Ratios are what counts: both sides of each were measured in the same run, in interleaved rounds.",
            "",
            "## Targets",
            "",
            "A ratio is the median of the ratios within a round.",
            "",
            *TARGETS_HEAD,
            *(target.row() for target in targets(results)),
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
            "## How it is measured",
            "",
            *_method(results),
            "",
        ]
    )


def summary(results: Results) -> str:
    """The verdict, for a terminal."""
    rows = [*TARGETS_HEAD, *(target.row() for target in targets(results))]
    return "\n".join(["", *rows, "", *_oversell(results), "", f"While it ran, {_others(results)}."])


def _tables(main: Figures) -> Iterable[str]:
    """A table for each number of clients and each delay."""
    for delay, clients in sorted({(point.delay, point.clients) for point in main}):
        yield from (f"## {clients} clients, +{delay // 1000} ms a commit", "", f"| | {FIGURES_HEAD}", "|---" * 9 + "|")
        for point, rounds in main.items():
            if (point.delay, point.clients) == (delay, clients):
                yield _figures(point.label, point.line, rounds)
        yield ""


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
    figures = (results.clients, results.latency, results.stripes)
    for (name, title), points in zip(PLOTS, figures, strict=False):
        yield from (f"## {title}", "", f"![{title}](plots/{name}.svg)", "", "<details><summary>figures</summary>", "")
        yield from (f"| | clients | + ms | stripes | {FIGURES_HEAD}", "|---" * 12 + "|")
        for point, rounds in points.items():
            where = f"{point.clients} | {point.delay / 1000:g} | {point.stripes}"
            yield _figures(f"{point.line} | {where}", point.line, rounds)
        yield from ("", "</details>", "")
    name, title = PLOTS[-1]
    yield from (f"## {title}", "", f"![{title}](plots/{name}.svg)", "", f"| | rows | {FIGURES_HEAD}", "|---" * 10 + "|")
    for stage in results.history:
        for beside, of_lines in (("", stage.without), (" beside them", stage.beside)):
            for line, rounds in of_lines.items():
                rows = f"{stage.rows:,}" if beside else f"none, same rounds as {stage.rows:,}"
                yield _figures(f"{line}{beside} | {rows}", line, rounds)
    yield ""


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


def _method(results: Results) -> list[str]:
    plan = results.plan
    return [
        f"- Each client has one request under way, without a pause. Tables: {plan.rounds} rounds of {plan.seconds} s"
        f" for each line, interleaved; medians. Plots: {plan.sweep_rounds} rounds of {plan.sweep_seconds} s. A warm-up"
        " before each round is not counted.",
        "- The tables are emptied before each round (but for the rows of history): each finds what the first one did.",
        "- `plain INSERT`: autocommitted, one row, AUTO_INCREMENT key and a unique key of 36 characters.",
        f"- `CALL create_hold`: one unit of one product with {STRIPES} stripes, each call under a new idempotency key;"
        " `1 row` is the same with stripes = 1, the plain counter.",
        "- `POST /api/holds`: the same through gunicorn as it ships, on kept connections, with an Idempotency-Key.",
        "- `empty POST`: the same request to a Falcon application that does nothing (loadtest/empty.py), under the same"
        " gunicorn, worker and settings.",
        "- Webhooks: a succeeded payment for a pending order, each event another order and another key, in no order;"
        " unsigned, as a development server takes them.",
        f"- GET and sold out: one product of which everything is held, by {SOLD_OUT_UNITS} live holds.",
        "- History: of ten rows eight are ended holds and two orders, all paid, of the very product that is measured,"
        " with their payment events besides; a cleared shop on the same server is measured in the same rounds. The"
        " buffer pool is that of sql/server/my.cnf, so millions of rows do not fit.",
        "- The sweep beside a sale: `CALL sweep()`, which is what the EVENT calls, from its beginning to its end.",
        "- `binlog_group_commit_sync_delay` stands for a slow disk; it is 0 in production. Nothing weakens durability.",
        f"- Clients are {GENERATORS} Python processes that speak the protocols themselves over epoll"
        " (loadtest/wire.py), without TLS, on the same machine as everything else; what they cost is in the tables.",
        "- CPU is user and system time a response, from /proc; mysqld's includes its background threads.",
        "- No hold expires meanwhile, unless said otherwise; the EVENT runs every second as it ships.",
    ]
