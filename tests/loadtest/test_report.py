"""RESULTS.md can be read to its end, and does not pretend to have measured what was left out."""

import re

import pytest

from loadtest import older
from loadtest.lines import main_points
from loadtest.purchases import BY_CALL, by_http, combined, ways
from loadtest.report import markdown, summary
from loadtest.results import FULL
from loadtest.targets import further_targets, targets
from tests.support.made_up_results import measured, results

MOST_LINES = 150


@pytest.mark.parametrize("old", [True, False])
def test_what_is_not_folded_is_read_to_its_end(old: bool) -> None:
    open_lines = re.sub(r"<details>.*?</details>", "", markdown(results(old=old)), flags=re.DOTALL).splitlines()
    assert len(open_lines) <= MOST_LINES


@pytest.mark.parametrize("old", [True, False])
def test_every_line_that_was_measured_has_its_row(old: bool) -> None:
    report = markdown(results(old=old))
    for point in main_points(old=old):
        assert f"| {point.clients} | {point.label} |" in report


def test_without_the_old_api_its_targets_are_neither_met_nor_missed_and_the_report_says_how_to_get_them() -> None:
    without = results(old=False)
    found = [target for target in (*targets(without), *further_targets(without)) if "old API" in target.what]

    assert len(found) == 8
    assert {target.met for target in found} == {None}
    assert all("not measured" in target.row() for target in found)
    assert older.HOW in markdown(results(old=False))
    assert "not measured" not in markdown(results(old=True))


def test_every_target_is_met_missed_or_only_reported_when_all_was_measured() -> None:
    everything = results(old=True)
    for target in (*targets(everything), *further_targets(everything)):
        assert (target.met is None) == (target.least is None and target.most is None), target.what


def test_a_terminal_is_told_every_target() -> None:
    everything = results(old=True)
    rows = [target.row() for target in (*targets(everything), *further_targets(everything))]
    assert [row for row in rows if row not in summary(everything)] == []


def test_a_whole_purchase_takes_the_time_of_its_three_steps() -> None:
    main = results(old=True).main
    way = by_http(128)
    main |= {step: [measured(rate)] for step, rate in zip(way.steps, (600.0, 300.0, 200.0), strict=True)}
    assert combined(main, way) == [pytest.approx(100)]


def test_a_purchase_of_which_one_step_was_never_answered_is_none() -> None:
    main = results(old=True).main
    main[BY_CALL.steps[1]] = [measured(0.0)] * FULL.rounds
    assert combined(main, BY_CALL) == [0.0] * FULL.rounds


def test_the_ways_to_buy_are_those_that_were_measured() -> None:
    assert [way.name for way in ways(results(old=False).main)] == [
        "CALL, 32 clients", "CALL, 2 × sets of 32", "HTTP, 32 clients", "HTTP, 128 clients",
    ]  # fmt: skip
    assert len(ways(results(old=True).main)) == 6
