"""CLUSTER.md: what a group of three costs, and what buyers notice when its primary dies."""

import datetime
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loadtest.lines import CALL, HOLD_SETS, HTTP, Figures, Point, in_sets
from loadtest.measure import Round, median

ALONE, IN_SETS, ONE, BY_HTTP = Point(CALL), in_sets(HOLD_SETS, 64), Point(CALL, 1), Point(HTTP, 128)


@dataclass(frozen=True)
class Comparison:
    """Everything that a run found. fail_overs: seconds."""

    alone: Figures
    group: Figures
    fail_overs: Sequence[float]
    machine: Mapping[str, str]
    rounds: int
    checks: int
    faults: Sequence[str]
    minutes: float


def markdown(found: Comparison) -> str:
    """The report."""
    today = datetime.datetime.now(datetime.UTC).date()
    took = sorted(found.fail_overs)
    return "\n".join(
        [
            "# A group of three beside one server",
            "",
            f"Made by `make bench-cluster` on {today}; the same command makes it anew, with your figures, in"
            f" {found.minutes:.0f} minutes.",
            "",
            f"Holds of one product; medians of {found.rounds} rounds, in which one server and the group took turns."
            " All three nodes share the cores of one machine, and each applies every transaction: on three machines"
            " the group keeps more of it.",
            "",
            "| | clients | a second: one server | group | group / one | p50 ms: one server | group |",
            "|---|---|---|---|---|---|---|",
            *(_row(point, found.alone[point], found.group[point]) for point in found.alone),
            "",
            *_hidden(found),
            "",
            "## When the primary dies",
            "",
            "kill -9 of the node that sells, while four buyers hold units through the API, to the first hold that was"
            " asked for afterwards and acknowledged:",
            "",
            f"| kills | p50 s | worst s | all |\n|---|---|---|---|\n| {len(took)} | {statistics.median(took):.1f}"
            f" | {took[-1]:.1f} | {', '.join(f'{each:.1f}' for each in took)} |",
            "",
            "## Nothing oversold",
            "",
            f"{found.checks} checks that units and invariants are right: {len(found.faults)} failed."
            " Of the holds acknowledged around the kills none was lost.",
            *(f"- {fault}" for fault in found.faults),
            "",
            "## Hardware and durability",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {value} |" for name, value in found.machine.items()),
            "| Group | three nodes with sql/server/group.cnf, and the same settings of durability on each |",
            "",
        ]
    )


def _row(point: Point, alone: Sequence[Round], group: Sequence[Round]) -> str:
    rates = [median(each, "rate") for each in (alone, group)]
    p50s = [median(each, "p50") for each in (alone, group)]
    return (
        f"| {point.label} | {point.clients} | {rates[0]:,.0f} | {rates[1]:,.0f} | {_share(alone, group):.2f}"
        f" | {p50s[0]:.1f} | {p50s[1]:.1f} |"
    )


def _share(alone: Sequence[Round], group: Sequence[Round]) -> float:
    """What is left in the group: the median of the ratios within a round."""
    return float(statistics.median(there.rate / here.rate for here, there in zip(alone, group, strict=True)))


def _hidden(found: Comparison) -> list[str]:
    """What sets make of the time that a commit waits for another node."""
    p50s = [median(each[ONE], "p50") for each in (found.alone, found.group)]
    wait = p50s[1] - p50s[0]
    left = [_share(found.alone[point], found.group[point]) for point in (ALONE, IN_SETS, BY_HTTP)]
    rates = [median(found.group[point], "rate") for point in (ALONE, IN_SETS)]
    return [
        f"A hold by itself takes {wait:.1f} ms more in the group, the time in which another node gets it. In a set of"
        f" {IN_SETS.size} that is {wait / IN_SETS.size * 1000:.0f} µs for each: sets hide"
        f" {(1 - 1 / IN_SETS.size) * 100:.0f} % of it. Through the API, which makes the sets, the group sells"
        f" {left[2]:.2f} of what one server sells; one CALL a hold {left[0]:.2f}. Sets by CALL, {left[1]:.2f}, leave no"
        " core idle, so there the work of the two other nodes is what counts; they sell"
        f" {rates[1] / rates[0]:.0f} times as much as one CALL a hold.",
    ]
