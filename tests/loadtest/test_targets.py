"""The benchmark says met only where a target is met."""

import math
from collections import Counter

import pytest

from loadtest.measure import Round
from loadtest.messages import Requests, fresh_key
from loadtest.targets import Target, ratio, tail


def measured(rate: float, p50: float = 1.0, p99: float = 1.0) -> Round:
    return Round(rate, p50, p99, p99, 1.0, 1.0, 1.0, 1.0, Counter(), 0.0)


@pytest.mark.parametrize(
    ("figure", "least", "most", "verdict"),
    [
        (0.5, 0.5, None, "met"),
        (0.4999, 0.5, None, "**missed**"),
        (1.1, None, 1.1, "met"),
        (1.1001, None, 1.1, "**missed**"),
        (0, None, 0, "met"),
        (1, None, 0, "**missed**"),
        (7.0, None, None, ""),
        (math.nan, 0.5, None, "**missed**"),
        (math.nan, None, 1.1, "**missed**"),
    ],
)
def test_a_target_is_met_at_its_bound_and_missed_beyond_it_or_unmeasured(
    figure: float, least: float | None, most: float | None, verdict: str
) -> None:
    assert Target("what", "where", figure, least=least, most=most).verdict == verdict


def test_a_ratio_is_the_median_of_the_ratios_within_a_round() -> None:
    of = [measured(10), measured(90), measured(40)]
    to = [measured(20), measured(100), measured(100)]
    assert ratio(of, to) == 0.5


def test_a_round_in_which_nothing_was_answered_reaches_no_target() -> None:
    value = ratio([measured(10)], [measured(0)])
    assert Target("what", "where", value, least=0.1).met is False


def test_the_tail_is_the_median_of_p99_to_p50() -> None:
    assert tail([measured(1, 1, 3), measured(1, 2, 10), measured(1, 1, 100)]) == 5


def test_each_generator_pays_other_orders_and_all_are_paid_once() -> None:
    orders = [b"%d" % number for number in range(7)]
    sent = [[*Requests((b"<", b"+", b">"), orders).series(1, part, 2)] for part in (0, 1)]
    assert sorted(sent[0] + sent[1]) == [b"<%d+%d>" % (number, number) for number in range(7)]


def test_fresh_keys_never_meet_and_are_as_long_as_a_uuid() -> None:
    keys = {fresh_key(number) for number in range(20_000)}
    assert len(keys) == 20_000
    assert {len(key) for key in keys} == {36}
