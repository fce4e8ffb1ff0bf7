"""The benchmark's plots."""

import re

import pytest

from loadtest.lines import HTTP, in_sets
from loadtest.plots import Series, draw, write
from tests.support.made_up_results import measured, results

SERIES = [Series("CALL create_hold", {x: [measured(x * 10.0)] for x in (1, 32, 256)})]


def test_the_same_figures_draw_the_same_plot() -> None:
    assert draw("clients", SERIES, "log2") == draw("clients", SERIES, "log2")


def test_the_words_of_a_plot_can_be_searched() -> None:
    plot = draw("clients", SERIES, "log2")
    assert all(f">{word}</text>" in plot for word in ("CALL create_hold", "a second", "p99, ms", "256"))


def test_no_plot_tells_when_it_was_made() -> None:
    assert "<dc:date>" not in draw("clients", SERIES, "log2")


def test_a_plot_is_small() -> None:
    assert len(draw("rows", SERIES, "symlog")) < 60_000


@pytest.fixture(scope="module")
def plots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The plots of a whole run, by name."""
    written = write(results(old=True), tmp_path_factory.mktemp("plots"))
    return {path.stem: path.read_text() for path in written}


@pytest.mark.parametrize(("name", "series"), [("clients", 4), ("latency", 6), ("stripes", 2), ("history", 4)])
def test_every_series_of_a_plot_has_its_points(plots: dict[str, str], name: str, series: int) -> None:
    # Throughput and p99: a line of a series is a path that begins with a move and goes on with two lines at least.
    lines = re.findall(r'd="M [-0-9. ]+\n(?:L [-0-9. ]+\n){1,}" clip-path=[^>]*stroke-width: 1.5', plots[name])
    assert len(lines) == 2 * series


def test_sets_and_512_clients_are_in_the_plots(plots: dict[str, str]) -> None:
    assert ">512</text>" in plots["clients"]
    assert "sets of half, 64 at most" in plots["clients"]
    assert all(
        f">{label}</text>" in plots["latency"] for label in (in_sets("CALL create_holds").label, f"{HTTP}, 128 clients")
    )
