"""Adjusted means: those of the result, from an observed baseline, with gaps where they are hidden."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.figures.adjusted_means import COLUMNS, adjusted_means

_SPEC = importlib.util.spec_from_file_location(
    "figure_results", Path(__file__).resolve().parents[1] / "golden" / "figure_results.py"
)
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)

EIGHT = tuple((f"week {week}", 7 * week) for week in (1, 2, 4, 6, 8, 12, 26, 52))


def lines_of(axes, style=None):
    """Return the lines that join means; those from the baseline are dotted and have two points."""
    joined = [line for line in axes.get_lines() if line.get_linestyle() not in {"None", "none"}]
    from_start = [line for line in joined if line.get_linestyle() == ":" and len(line.get_xdata()) == 2]
    return from_start if style == "start" else [line for line in joined if line not in from_start]


def rows_of(figure):
    return [dict(zip(COLUMNS, row, strict=True)) for row in figure.rows]


def visit_names(page, names):
    return [text for text in page.texts if text.get_text() in names]


@pytest.fixture(scope="module")
def fitted():
    registry = kat.simulate_registry(seed=20260930, n_patients=160)
    return kat.mmrm(kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked"))


def test_lines_intervals_and_rows_are_the_numbers_of_the_result(fitted):
    figure = fitted.plot()
    axes = figure.axes()[0]
    means = fitted.select(measure="adjusted mean")
    segments = [segment for collection in axes.collections for segment in collection.get_segments()]
    heights = np.concatenate([line.get_ydata() for line in lines_of(axes)])
    np.testing.assert_array_equal(heights, [mean.estimate for mean in means])
    ends = [tuple(segment[:, 1]) for segment in segments]
    assert ends == [(mean.conf_low, mean.conf_high) for mean in means]
    adjusted = [row for row in rows_of(figure) if row["kind"] == "adjusted"]
    assert [row["mean"] for row in adjusted] == [mean.estimate for mean in means]
    assert [row["n_patients"] for row in adjusted] == [mean.n_patients for mean in means]
    assert [row["target_day"] for row in adjusted] == [28, 56, 84] * 2


def test_lines_start_at_the_observed_mean_of_all_in_the_model(fitted):
    figure = fitted.plot()
    axes = figure.axes()[0]
    start = fitted.select(term="baseline, in the model")[0]
    assert fitted.model.baseline_means["observed"] == start.estimate
    (row,) = (row for row in rows_of(figure) if row["kind"] == "observed")
    assert (row["group"], row["visit"], row["mean"], row["conf_low"]) == (
        "all patients",
        "baseline",
        start.estimate,
        None,
    )
    marks = [line for line in axes.get_lines() if line.get_marker() == "D"]
    assert [tuple(line.get_xydata()[0]) for line in marks] == [(0.0, start.estimate)]
    assert marks[0].get_markerfacecolor() == "white"
    assert [line.get_ydata()[0] for line in lines_of(axes, "start")] == [start.estimate] * 2
    assert "Observed at baseline" in figure.alt_text
    assert any(text.get_text() == f"all {start.n_patients}" for text in figure.matplotlib_figure().texts)


def test_the_lines_from_the_baseline_end_where_the_cohorts_marks_stand(fitted):
    axes = fitted.plot().axes()[0]
    axes.figure.canvas.draw()
    for start, line in zip(lines_of(axes, "start"), lines_of(axes), strict=True):
        end = start.get_transform().transform(start.get_xydata()[1])
        mark = line.get_transform().transform(line.get_xydata()[0])
        np.testing.assert_allclose(end, mark, atol=0.6)


def test_a_model_without_baseline_starts_at_the_first_visit():
    figure = adjusted_means(made.mmrm_result(80, baseline_used=False))
    assert {row["kind"] for row in rows_of(figure)} == {"adjusted"}
    assert "aseline" not in figure.alt_text


def test_a_hidden_mean_is_a_gap_and_a_hidden_baseline_no_mark():
    result = made.hidden_below(made.mmrm_result(90, by="program_booked"), 25)
    hidden = [mean for mean in result.select(measure="adjusted mean") if mean.suppressed]
    assert hidden
    figure = adjusted_means(result)
    drawn = np.concatenate([line.get_ydata() for line in lines_of(figure.axes()[0])])
    assert np.isnan(drawn).sum() == len(hidden)
    assert "A gap is a mean that is not shown." in figure.alt_text
    none_left = made.hidden_below(made.mmrm_result(90), 200)
    assert not any(line.get_marker() == "D" for line in adjusted_means(none_left).axes()[0].get_lines())


def test_a_mean_that_cannot_be_estimated_is_a_gap_with_its_reason():
    result = made.mmrm_result(90)
    nothing = dict.fromkeys(("estimate", "conf_low", "conf_high", "conf_level"), float("nan"))
    estimates = tuple(
        replace(one, **nothing, n_patients=0) if one.visit == "week 8" else one for one in result.estimates
    )
    assert "cannot be estimated" in adjusted_means(replace(result, estimates=estimates)).alt_text


def test_names_of_many_visits_stand_on_two_levels():
    page = adjusted_means(made.mmrm_result(400, visits=EIGHT, by="program_booked")).matplotlib_figure()
    tops = {round(text.get_position()[1], 4) for text in visit_names(page, {name for name, _ in EIGHT})}
    assert len(tops) == 2
    few = adjusted_means(made.mmrm_result(400)).matplotlib_figure()
    tops = {round(text.get_position()[1], 4) for text in visit_names(few, {name for name, _ in made.VISITS})}
    assert len(tops) == 1


def test_the_direction_and_what_the_means_are_stand_in_words():
    figure = adjusted_means(made.mmrm_result(80))
    assert "Lower is better." in figure.alt_text
    assert "as if nobody had left" in figure.alt_text
    assert "Patients: those with a score at the visit." in figure.alt_text


def test_too_many_cohorts_are_refused():
    result = made.mmrm_result(100)
    levels = [replace(mean, subgroup=f"site: {n}") for n in range(9) for mean in result.select(measure="adjusted mean")]
    with pytest.raises(OptionError, match="at most 8 groups"):
        adjusted_means(replace(result, estimates=tuple(levels)))


def test_released_figures_are_the_same_bytes_twice(fitted):
    released = kat.release(fitted)
    assert released.plot().svg() == released.plot().svg()
    assert released.plot().name == "adjusted_means_phq_9_by_program_booked"
