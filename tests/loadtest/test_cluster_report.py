"""CLUSTER.md says what a group costs, how much of that sets hide, and how long a fail-over takes at worst."""

from dataclasses import replace

from loadtest.cluster import POINTS
from loadtest.cluster_report import ALONE, IN_SETS, Comparison, markdown
from tests.support.made_up_results import measured

FOUND = Comparison(
    alone={point: [measured(1000)] * 3 for point in POINTS},
    group={point: [measured({ALONE: 250, IN_SETS: 750}.get(point, 500))] * 3 for point in POINTS},
    fail_overs=[7.0, 6.0, 9.5, 6.5],
    machine={"CPU": "some", "Durability": "full"},
    rounds=3,
    checks=60,
    faults=[],
    minutes=4,
)


def test_every_point_has_its_ratio_and_sets_are_compared_with_single_calls() -> None:
    report = markdown(FOUND)

    for point in POINTS:
        assert f"| {point.label} | {point.clients} | 1,000 |" in report
    assert "| 250 | 0.25 |" in report
    assert "the group sells 0.50 of what one server sells; one CALL a hold 0.25." in report
    assert "Sets by CALL, 0.75," in report
    assert "they sell 3 times as much as one CALL a hold" in report


def test_the_worst_fail_over_is_named() -> None:
    assert "| 4 | 6.8 | 9.5 | 6.0, 6.5, 7.0, 9.5 |" in markdown(FOUND)


def test_what_was_found_wrong_is_named() -> None:
    assert "1 failed" in (report := markdown(replace(FOUND, faults=["a unit too many"])))
    assert "- a unit too many" in report
