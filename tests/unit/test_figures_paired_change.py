"""Paired change: lines are patients or bins, the axis of change begins at the baseline mean, hidden numbers are not."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.style import INK, THREAD
from katoutcomes.figures.paired_change import COLUMNS, MOST_LINES, paired_change

_SPEC = importlib.util.spec_from_file_location(
    "figure_results", Path(__file__).resolve().parents[1] / "golden" / "figure_results.py"
)
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)


def threads(axes, color=THREAD):
    return [line for line in axes.get_lines() if line.get_color() == color and len(line.get_xdata()) == 2]


def test_few_patients_are_lines_of_their_own():
    result = made.change_result(60)
    pairs = result.individual_values.of("week 12")
    assert 0 < pairs.baseline.size <= MOST_LINES
    figure = paired_change(result)
    lines = threads(figure.axes()[0])
    drawn = {tuple(line.get_ydata()): line.get_linewidth() for line in lines}
    expected, counts = np.unique(np.column_stack((pairs.baseline, pairs.follow_up)), axis=0, return_counts=True)
    assert drawn.keys() == {tuple(pair) for pair in expected.tolist()}
    thinnest = min(drawn.values())
    assert sorted(width / thinnest for width in drawn.values()) == pytest.approx(sorted(counts.tolist()))
    assert sum(row[-1] for row in figure.rows if row[2] == "patients") == pairs.baseline.size


def test_many_patients_are_bins_as_wide_as_they_hold_patients():
    result = made.change_result(320)
    figure = paired_change(result)
    part = result.part("score_pair_counts")
    cells = [row for row in part.rows if row[0] == "week 12"]
    lines = threads(figure.axes()[0])
    assert len(lines) == len(cells)
    most = max(row[-1] for row in cells)
    for line, (_, _, low, high, after_low, after_high, count) in zip(lines, cells, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), [(low + high) / 2, (after_low + after_high) / 2])
        assert line.get_linewidth() == pytest.approx(max(0.5, 11.0 * count / most))
    assert f"the widest: {most}" in figure.alt_text


def test_the_axis_of_change_is_the_score_axis_moved_by_the_baseline_mean():
    result = made.change_result(100)
    page = paired_change(result).matplotlib_figure()
    pairs, change = page.axes
    baseline = result.select(term="baseline, completers", visit="week 12")[0].estimate
    np.testing.assert_allclose(np.array(pairs.get_ylim()) - baseline, change.get_ylim(), rtol=1e-12)
    assert pairs.get_position().y0 == change.get_position().y0
    assert pairs.get_position().height == change.get_position().height
    zero = pairs.transData.transform((0, baseline))[1]
    assert change.transData.transform((0, 0))[1] == pytest.approx(zero)


def test_means_and_interval_are_those_of_the_result():
    result = made.change_result(100)
    figure = paired_change(result)
    pairs, change = figure.axes()
    estimate = result.select(term="change", measure="mean change", visit="week 12")[0]
    means = [result.select(term=term, visit="week 12")[0].estimate for term in ("baseline, completers", "follow-up")]
    black = [line for line in pairs.get_lines() if line.get_color() == INK]
    assert all(list(line.get_ydata()) == means for line in black)
    segment = change.collections[0].get_segments()[0]
    np.testing.assert_array_equal(segment[:, 1], [estimate.conf_low, estimate.conf_high])
    dot = change.get_lines()[-1]
    assert list(dot.get_ydata()) == [estimate.estimate]
    last = dict(zip(COLUMNS, figure.rows[-1], strict=True))
    assert (last["kind"], last["estimate"], last["n_patients"]) == (
        "mean change",
        estimate.estimate,
        estimate.n_patients,
    )


def test_hidden_bins_are_not_drawn_and_the_note_says_so():
    before = made.change_result(600)
    after = made.released(before)
    n_cells = [sum(row[0] == "week 12" for row in one.part("score_pair_counts").rows) for one in (before, after)]
    figure = paired_change(after)
    assert len(threads(figure.axes()[0])) == n_cells[1] < n_cells[0]
    assert n_cells[1] > 0
    assert "Cells with fewer than 11 patients are not drawn." in figure.alt_text
    assert "not drawn" not in paired_change(before).alt_text


def test_the_last_visit_is_drawn_even_where_all_its_bins_are_hidden():
    part = made.change_result(100).part("score_pair_counts")
    earlier = replace(part, rows=tuple(row for row in part.rows if row[0] != "week 12"))
    result = made.released(made.change_result(100))
    parts = tuple(earlier if one.name == part.name else one for one in result.parts)
    assert paired_change(replace(result, parts=parts)).name == "paired_change_phq_9_week_12"


def test_of_a_cohort_too_small_to_be_counted_no_bin_is_drawn():
    result = made.released(made.change_result(14))
    assert result.select(term="change", measure="mean change", visit="week 12")[0].n_patients is None
    figure = paired_change(result)
    axes = figure.axes()
    assert len(axes) == 1
    assert axes[0].get_lines() == []
    assert [text.get_text() for text in axes[0].texts] == ["too few patients to be shown"]
    assert all(row[3] is None and row[7] is None for row in figure.rows)


def test_nobody_with_both_scores():
    scores = np.full(5, 12.0), np.full((5, 3), np.nan), np.zeros(5, int)
    figure = paired_change(made.change_result(scores=scores))
    assert [text.get_text() for text in figure.axes()[0].texts] == ["no patient with both scores"]
    assert "n = 0" in figure.alt_text


def test_visits_can_be_chosen():
    result = made.change_result(100)
    assert paired_change(result, "week 4").name == "paired_change_phq_9_week_4"
    assert paired_change(result).name == "paired_change_phq_9_week_12"
    with pytest.raises(OptionError, match="visit must be one of 'week 4', 'week 8', 'week 12'"):
        paired_change(result, "week 5")


def test_each_cohort_can_have_a_panel():
    result = made.change_result(100, by="program_booked")
    figure = paired_change(result, each_group=True)
    assert len(figure.axes()) == 4
    assert {row[0] for row in figure.rows} == {"ketamine only", "with integration"}
    assert {row[0] for row in paired_change(result).rows} == {"all patients"}


def test_panels_of_one_figure_are_drawn_in_the_same_way():
    # One cohort has few enough patients for lines, the other has not: both are drawn as bins.
    result = made.change_result(200, by="program_booked")
    sizes = [result.individual_values.of("week 12", group).baseline.size for group in made.GROUPS]
    assert min(sizes) <= MOST_LINES < max(sizes)
    figure = paired_change(result, each_group=True)
    assert {row[2] for row in figure.rows if row[3] is not None} == {"bins"}


def test_without_individual_values_few_patients_are_bins_too():
    result = made.change_result(60)
    figure = paired_change(replace(result, individual_values=None))
    assert {row[2] for row in figure.rows if row[3] is not None} == {"bins"}
