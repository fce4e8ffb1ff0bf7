"""The figures of the README are those of the published results."""

import pytest

from loadtest.readme import README, RESULTS, written

OURS = README.read_text(encoding="utf-8")


def test_every_figure_of_the_readme_is_in_the_results() -> None:
    assert written(OURS, RESULTS.read_text(encoding="utf-8")) == OURS


def test_new_results_replace_the_figures_of_their_rows_in_the_same_table_only() -> None:
    ours = "# Shop\n\n| | a second |\n|---|---|\n| holds | 1 |\n\n| | what |\n|---|---|\n| holds | units |\n"
    results = (
        "| | a second |\n|---|---|\n| orders | 2 |\n| holds | 3 |\n\n| ms | a second |\n|---|---|\n| holds | 4 |\n"
    )

    assert written(ours, results) == ours.replace("| holds | 1 |", "| holds | 3 |")


def test_a_row_that_the_results_do_not_have_is_not_left_with_old_figures() -> None:
    with pytest.raises(KeyError, match="holds"):
        written("| | a second |\n|---|---|\n| holds | 1 |\n", "| | a second |\n|---|---|\n| orders | 2 |\n")
