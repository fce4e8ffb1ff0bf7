"""The benchmark's plots."""

from collections import Counter

from loadtest.measure import Round
from loadtest.plots import Series, draw

SERIES = [Series("CALL create_hold", {x: [Round(x * 10.0, 1, 2, 3, 1, 1, 1, 1, Counter(), 0)] for x in (1, 32, 256)})]


def test_the_same_figures_draw_the_same_plot() -> None:
    assert draw("clients", SERIES, "log2") == draw("clients", SERIES, "log2")


def test_the_words_of_a_plot_can_be_searched() -> None:
    plot = draw("clients", SERIES, "log2")
    assert all(f">{word}</text>" in plot for word in ("CALL create_hold", "a second", "p99, ms", "256"))


def test_no_plot_tells_when_it_was_made() -> None:
    assert "<dc:date>" not in draw("clients", SERIES, "log2")


def test_a_plot_is_small() -> None:
    assert len(draw("rows", SERIES, "symlog")) < 60_000
