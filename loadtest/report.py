"""The benchmark's figures, judged against the targets and written down."""

import datetime
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loadtest.measure import Round, median

INSERT = "plain INSERT"
COUNTER = "CALL create_hold, 1 row"
CALL = "CALL create_hold"
HTTP = "POST /api/holds"
GET_HTTP = "GET /api/products/{id}"
SOLD_OUT_HTTP = "POST /api/holds, sold out"
GET_CALL = "CALL get_product"
SOLD_OUT_CALL = "CALL create_hold, sold out"

MEMORY_MB = 60

Figures = dict[str, list[Round]]


@dataclass
class Checks:
    """What was compared after the rounds, and what was found wrong."""

    made: int = 0
    faults: list[str] = field(default_factory=list)

    def equal(self, what: str, told: int, found: int) -> None:
        """What clients were told must be what the tables say."""
        self.made += 1
        if told != found:
            self.faults.append(f"{what}: {told} expected, {found} found")

    def none(self, what: str, rows: Sequence[object]) -> None:
        """There must be no rows."""
        self.made += 1
        self.faults += [f"{what}: {row}" for row in rows]


@dataclass(frozen=True)
class Results:
    """Everything that RESULTS.md says."""

    machine: Mapping[str, str]
    clients: int
    stripes: int
    seconds: float
    rounds: int
    rush_stock: int
    figures: Mapping[int, Figures]
    rushes: Mapping[str, Round]
    workers: Sequence[tuple[float, float]]
    checks: Checks


@dataclass(frozen=True)
class Ratio:
    """One of the targets: series `of` against series `to`, at a delay of the group commit."""

    delay: int
    of: str
    to: str
    target: float | None


RATIOS = (
    Ratio(0, CALL, INSERT, 0.3),
    Ratio(2000, CALL, INSERT, 0.4),
    Ratio(0, COUNTER, INSERT, None),
    Ratio(2000, COUNTER, INSERT, None),
    Ratio(0, HTTP, CALL, 0.5),
    Ratio(2000, HTTP, CALL, None),
    Ratio(0, SOLD_OUT_HTTP, GET_HTTP, 0.7),
    Ratio(0, SOLD_OUT_CALL, GET_CALL, None),
)


def markdown(results: Results) -> str:
    """RESULTS.md."""
    today = datetime.datetime.now(datetime.UTC).date()
    return "\n".join(
        [
            "# Results of the benchmark",
            "",
            f"Made by `make bench` on {today}; the same command makes them anew, with your figures, in three minutes.",
            "",
            "Ratios are what counts: both sides of each were measured in the same run, in interleaved rounds.",
            "",
            "## Targets",
            "",
            *_targets(results),
            "",
            *_rates(results),
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
    return "\n".join(["", *_targets(results), "", *_oversell(results), "", f"While it ran, {_others(results)}."])


def _targets(results: Results) -> list[str]:
    lines = ["| ratio within a round, median | delay µs | measured | target | |", "|---|---|---|---|---|"]
    for ratio in RATIOS:
        value = _ratio(results, ratio)
        if ratio.target is None:
            target, verdict = "", ""
        else:
            target, verdict = f"≥ {ratio.target}", "met" if value >= ratio.target else "**missed**"
        lines.append(f"| {ratio.of} / {ratio.to} | {ratio.delay} | {value:.2f} | {target} | {verdict} |")
    if results.workers:
        resident = max(rss for rss, _ in results.workers)
        shares = ", ".join(f"{pss:.0f}" for _, pss in results.workers)
        verdict = "met" if resident < MEMORY_MB else "**missed**"
        lines.append(
            f"| resident memory of an API worker after the load, MB ({shares} with shared pages divided up) |"
            f" | {resident:.0f} | < {MEMORY_MB} | {verdict} |"
        )
    return lines


def _ratio(results: Results, ratio: Ratio) -> float:
    """The median over the rounds of the ratio within a round."""
    figures = results.figures[ratio.delay]
    pairs = zip(figures[ratio.of], figures[ratio.to], strict=True)
    return statistics.median(of.rate / to.rate if to.rate else math.nan for of, to in pairs)


def _rates(results: Results) -> list[str]:
    lines = []
    for delay, figures in results.figures.items():
        lines += [
            f"## binlog_group_commit_sync_delay = {delay} µs",
            "",
            "| | a second | lowest–highest round | p50 ms | p99 ms | CPU µs: mysqld | API | client |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for name, rounds in figures.items():
            lowest, highest = min(each.rate for each in rounds), max(each.rate for each in rounds)
            api = f"{median(rounds, 'api_us'):.0f}" if name in (HTTP, GET_HTTP, SOLD_OUT_HTTP) else ""
            lines.append(
                f"| {name} | {median(rounds, 'rate'):,.0f} | {lowest:,.0f}–{highest:,.0f} | {median(rounds, 'p50'):.1f}"
                f" | {median(rounds, 'p99'):.1f} | {median(rounds, 'mysqld_us'):.0f} | {api}"
                f" | {median(rounds, 'client_us'):.0f} |"
            )
        lines.append("")
    return lines


def _others(results: Results) -> str:
    """How far the machine was not the benchmark's own: contention costs long code paths more than short ones."""
    shares = [each.others for figures in results.figures.values() for rounds in figures.values() for each in rounds]
    return (
        f"other processes took {statistics.median(shares):.0%} of the CPU time in the median round,"
        f" {max(shares):.0%} in the worst"
    )


def _oversell(results: Results) -> list[str]:
    faults = results.checks.faults
    lines = [
        f"{results.checks.made} checks, {len(faults)} failed. After every round: the units that buyers were told of are"
        " those committed, free and held units make up the stock, and `check_invariants()` returns no row.",
        "",
    ]
    lines += [f"- FAILED: {fault}" for fault in faults]
    for name, rush in results.rushes.items():
        acknowledged = rush.outcomes[201 if name == "HTTP" else 0]
        lines.append(
            f"- {results.rush_stock:,} units, {results.clients} buyers at once by {name}: {acknowledged:,} acknowledged"
            f", the first refusal after {rush.seconds:.1f} s."
        )
    return lines


def _method(results: Results) -> list[str]:
    return [
        f"- {results.clients} clients, each with one request under way, without a pause; {results.rounds} rounds of"
        f" {results.seconds} s for each line, interleaved; medians. A warm-up before each round is not counted.",
        f"- `{INSERT}`: autocommitted, one row, AUTO_INCREMENT key and a unique key of 36 characters.",
        f"- `{CALL}`: one unit of one product with {results.stripes} stripes, each call under a new idempotency key;"
        f" `{COUNTER}` is the same with stripes = 1, the plain counter.",
        f"- `{HTTP}`: the same through gunicorn as it ships, on kept connections, each with an Idempotency-Key.",
        "- GET and sold out: one product of which everything is held, by 100 live holds.",
        "- `binlog_group_commit_sync_delay` stands for a slow disk; it is 0 in production. Nothing weakens durability.",
        "- Clients are two Python processes that speak the protocols themselves over epoll (loadtest/wire.py), without"
        " TLS, on the same machine as everything else; what they cost is in the tables.",
        "- CPU is user and system time a response, from /proc; mysqld's includes its background threads.",
        "- No hold expires meanwhile; the EVENT runs every second as it ships.",
    ]
