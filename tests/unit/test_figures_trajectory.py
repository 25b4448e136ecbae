"""The trajectory: the means of the result, where they are drawn, and gaps where they are hidden."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.errors import OptionError
from katoutcomes.figures.trajectory import COLUMNS, trajectory
from katoutcomes.instruments.catalog import instrument

_SPEC = importlib.util.spec_from_file_location(
    "figure_results", Path(__file__).resolve().parents[1] / "golden" / "figure_results.py"
)
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)


def means_of(result, group):
    visits = [("baseline", "baseline, all with baseline"), *((name, "follow-up") for name, _ in made.VISITS)]
    return [result.select(term=term, measure="mean", visit=visit, subgroup=group)[0] for visit, term in visits]


def lines_of(axes):
    """Return the data of the lines that join means: they have a line style, the others only marks."""
    return [line for line in axes.get_lines() if line.get_linestyle() not in {"None", "none"}]


def intervals_of(axes):
    return [segment for collection in axes.collections for segment in collection.get_segments()]


def test_lines_intervals_and_table_are_the_numbers_of_the_result():
    result = made.change_result(200, by="program_booked")
    figure = trajectory(result)
    axes = figure.axes()[0]
    rows, segments = list(figure.rows), intervals_of(axes)
    for line, group in zip(lines_of(axes), made.GROUPS, strict=True):
        means = means_of(result, group)
        np.testing.assert_array_equal(line.get_xdata(), [0, 28, 56, 84])
        np.testing.assert_array_equal(line.get_ydata(), [mean.estimate for mean in means])
        for mean in means:
            segment = segments.pop(0)
            np.testing.assert_array_equal(segment[:, 1], [mean.conf_low, mean.conf_high])
            row = dict(zip(COLUMNS, rows.pop(0), strict=True))
            assert (row["mean"], row["conf_low"], row["conf_high"]) == (mean.estimate, mean.conf_low, mean.conf_high)
            assert row["n_patients"] == mean.n_patients
    assert not rows
    assert not segments


def test_cohorts_differ_in_marker_and_line_and_stand_a_little_apart():
    axes = trajectory(made.change_result(200, by="program_booked")).axes()[0]
    one, other = lines_of(axes)
    assert one.get_color() != other.get_color()
    assert one.get_linestyle() != other.get_linestyle()
    marks = [line.get_marker() for line in axes.get_lines() if line.get_marker() not in {"None", "_"}]
    assert len(set(marks)) == 2
    axes.figure.canvas.draw()
    starts = [line.get_transform().transform(line.get_xydata()[0])[0] for line in (one, other)]
    assert 3 < abs(starts[1] - starts[0]) < 20


def test_all_patients_or_each_cohort():
    result = made.change_result(200, by="program_booked")
    together = trajectory(result, each_group=False)
    assert together.name == "trajectory_phq_9"
    assert {row[0] for row in together.rows} == {"all patients"}
    assert {row[0] for row in trajectory(result).rows} == {"ketamine only", "with integration"}
    assert {row[0] for row in trajectory(made.change_result(50)).rows} == {"all patients"}


def test_a_hidden_mean_is_a_gap_that_is_named():
    result = made.hidden_below(made.change_result(120, by="program_booked"), 35)
    hidden = [mean for group in made.GROUPS for mean in means_of(result, group) if mean.suppressed]
    assert hidden
    figure = trajectory(result)
    axes = figure.axes()[0]
    drawn = np.concatenate([line.get_ydata() for line in lines_of(axes)])
    assert np.isnan(drawn).sum() == len(hidden)
    assert len(intervals_of(axes)) == drawn.size - len(hidden)
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in figure.rows]
    gaps = [row for row in rows if row["mean"] is None]
    assert len(gaps) == len(hidden)
    assert all(row["n_patients"] == "<35" and row["conf_low"] is None for row in gaps)
    assert "A gap is a mean that is not shown." in figure.alt_text


def test_the_axis_is_the_whole_range_of_the_instrument_and_names_the_better_end():
    figure = trajectory(made.change_result(60))
    low, high = figure.axes()[0].get_ylim()
    assert -1 < low <= 0
    assert 27 <= high < 28
    assert "whole range of the PHQ-9, 0 to 27" in figure.alt_text
    assert "Lower is better." in figure.alt_text
    assert any("lower is better" in text.get_text() for text in figure.matplotlib_figure().texts)


def test_an_unknown_instrument_gets_the_range_of_its_data_and_says_so():
    result = made.change_result(40, instrument="Local mood scale")
    figure = trajectory(result)
    assert "need not be the whole range" in figure.alt_text
    assert "is better" not in figure.alt_text
    assert figure.axes()[0].get_ylim()[0] <= 0


def test_an_instrument_that_is_handed_in_is_used():
    rising = replace(instrument("PHQ-9"), name="Local mood scale", maximum=40, direction="higher_is_better")
    figure = trajectory(made.change_result(40, instrument="Local mood scale"), instrument=rising)
    assert "whole range of the Local mood scale, 0 to 40" in figure.alt_text
    assert "Higher is better." in figure.alt_text


def test_visits_that_are_too_near_are_evenly_spaced_and_the_figure_says_so():
    near = (("day 1", 1), ("day 7", 7), ("month 6", 180))
    figure = trajectory(made.change_result(60, visits=near))
    page = figure.matplotlib_figure()
    assert any("not to scale" in text.get_text() for text in page.texts)
    np.testing.assert_array_equal(lines_of(page.axes[0])[0].get_xdata(), [0, 1, 2, 3])


def test_numbers_of_patients_stand_under_their_visit():
    result = made.change_result(200)
    page = trajectory(result).matplotlib_figure()
    renderer = page.canvas.get_renderer()
    axes = page.axes[0]
    line = lines_of(axes)[0]
    for (x, y), mean in zip(line.get_xydata(), means_of(result, ""), strict=True):
        place = line.get_transform().transform((x, y))[0]
        number = next(text for text in page.texts if text.get_text() == str(mean.n_patients))
        box = number.get_window_extent(renderer)
        assert (box.x0 + box.x1) / 2 == pytest.approx(place, abs=1.5)


def test_a_mean_of_one_or_none_has_no_interval():
    scores = np.array([10.0]), np.array([[8.0, np.nan, np.nan]]), np.array([0])
    figure = trajectory(made.change_result(scores=scores))
    assert intervals_of(figure.axes()[0]) == []
    np.testing.assert_array_equal(lines_of(figure.axes()[0])[0].get_ydata(), [10.0, 8.0, math.nan, math.nan])
    assert [row[-1] for row in figure.rows] == [1, 1, 0, 0]


def test_too_many_cohorts_are_refused():
    result = made.change_result(100)
    levels = [replace(estimate, subgroup=f"site: {n}") for n in range(9) for estimate in result.estimates]
    with pytest.raises(OptionError, match="at most 8 groups"):
        trajectory(replace(result, estimates=tuple(levels)))
