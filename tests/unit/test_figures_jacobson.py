"""The Jacobson plot: points or cells where the scores are, the thresholds of the rule, shares with their intervals."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.jacobson_drawing import shade
from katoutcomes.figures.jacobson import CLASSES, COLUMNS, jacobson
from katoutcomes.instruments.catalog import instrument

_SPEC = importlib.util.spec_from_file_location(
    "figure_results", Path(__file__).resolve().parents[1] / "golden" / "figure_results.py"
)
made = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(made)


def cells_of(axes):
    return [patch for patch in axes.patches if isinstance(patch, Rectangle)]


def test_circles_are_the_patients_and_their_area_is_their_number():
    result = made.clinical_result(200)
    pairs = result.individual_values.of("week 12")
    figure = jacobson(result)
    marks = figure.axes()[0].collections[0]
    points, counts = np.unique(np.column_stack((pairs.baseline, pairs.follow_up)), axis=0, return_counts=True)
    np.testing.assert_array_equal(marks.get_offsets(), points)
    np.testing.assert_allclose(marks.get_sizes() / marks.get_sizes().min() * counts.min(), counts)
    assert sum(row[-1] for row in figure.rows if row[2] == "patients") == pairs.baseline.size


def test_cells_are_the_bins_with_their_numbers():
    result = made.released(made.clinical_result(600))
    part = result.part("score_pair_counts")
    figure = jacobson(result)
    axes = figure.axes()[0]
    boxes = cells_of(axes)
    assert len(boxes) == len(part.rows)
    most = max(row[-1] for row in part.rows)
    for box, (_, _, low, high, after_low, after_high, count) in zip(boxes, part.rows, strict=True):
        assert box.get_xy() == (low - 0.5, after_low - 0.5)
        assert (box.get_width(), box.get_height()) == (high - low + 1, after_high - after_low + 1)
        color = "#" + "".join(f"{round(255 * part):02x}" for part in box.get_facecolor()[:3])
        assert color == shade(count / most)
    shown = sorted(str(row[-1]) for row in part.rows)
    assert sorted(text.get_text() for text in axes.texts) == shown


def test_hidden_cells_are_blank_and_the_note_says_so():
    result = made.clinical_result(600)
    before, after = (replace(result, individual_values=None), made.released(result))
    assert 0 < len(cells_of(jacobson(after).axes()[0])) < len(cells_of(jacobson(before).axes()[0]))
    assert "Cells with fewer than 11 patients are not drawn." in jacobson(after).alt_text
    assert "Cells with fewer than 20 patients are not drawn." in jacobson(made.released(result, 20)).alt_text
    assert "not drawn" not in jacobson(before).alt_text
    assert "not drawn" not in jacobson(made.released(result, 1)).alt_text


@pytest.mark.parametrize(("rule", "threshold", "cut_off"), [(None, 5.24, 9.3), (made.NHS, 6.0, 10.0)])
def test_the_lines_are_the_thresholds_of_the_rule(rule, threshold, cut_off):
    axes = jacobson(made.clinical_result(100), rule).axes()[0]
    low, high = axes.get_xlim()
    assert (low, high) == axes.get_ylim() == (-0.5, 27.5)
    diagonal, above, below, vertical, horizontal = axes.get_lines()
    np.testing.assert_allclose(diagonal.get_ydata() - diagonal.get_xdata(), 0)
    np.testing.assert_allclose(above.get_ydata() - above.get_xdata(), threshold)
    np.testing.assert_allclose(below.get_ydata() - below.get_xdata(), -threshold)
    assert set(vertical.get_xdata()) == set(horizontal.get_ydata()) == {cut_off}


def test_the_rule_is_printed():
    assert "Jacobson and Truax, a change of more than 5.24 points" in jacobson(made.clinical_result(100)).alt_text
    figure = jacobson(made.clinical_result(100), made.NHS)
    assert "NHS Talking Therapies reliable change, a change of at least 6 points" in figure.alt_text
    assert "Caseness: 10 or more points." in figure.alt_text
    assert figure.name == "jacobson_phq_9_week_12_nhs_talking_therapies_reliable_change"


def test_shares_beside_the_square_are_those_of_the_result():
    result = made.clinical_result(300)
    figure = jacobson(result)
    texts = [text.get_text() for text in figure.matplotlib_figure().texts]
    rows = {row[4]: dict(zip(COLUMNS, row, strict=True)) for row in figure.rows if row[2] == "proportion"}
    for term in CLASSES:
        share = result.select(term=term, definition_set=made.JT)[0]
        assert f"{share.n_counted} of {share.n_patients}" in texts
        row = rows[term]
        assert (row["estimate"], row["conf_low"], row["conf_high"]) == (share.estimate, share.conf_low, share.conf_high)
        assert term.capitalize() in texts


def place_of(page, term):
    return next(text for text in page.texts if text.get_text() == term).get_window_extent(page.canvas.get_renderer())


@pytest.mark.parametrize("direction", ["higher_is_worse", "higher_is_better"])
def test_regions_are_named_on_their_side(direction):
    turned = replace(instrument("PHQ-9"), direction=direction)
    page = jacobson(made.clinical_result(100), instrument=turned).matplotlib_figure()
    square = page.axes[0].get_window_extent()
    beside, above = ("improvement", "deterioration")
    if direction == "higher_is_better":
        beside, above = above, beside
    assert place_of(page, f"reliable {beside}").x0 > square.x1
    assert place_of(page, f"reliable {above}").y0 > square.y1
    fills = [patch.get_xy() for patch in page.axes[0].patches if not isinstance(patch, Rectangle)]
    assert len(fills) == 2


def test_the_key_lists_the_classes_from_top_to_bottom_of_the_square():
    page = jacobson(made.clinical_result(100)).matplotlib_figure()
    tops = [place_of(page, term.capitalize()).y0 for term in reversed(CLASSES)]
    assert tops == sorted(tops, reverse=True)


def test_an_unknown_direction_leaves_the_regions_unnamed():
    figure = jacobson(made.clinical_result(60, instrument="Local mood scale"))
    page = figure.matplotlib_figure()
    assert not [patch for patch in page.axes[0].patches if not isinstance(patch, Rectangle)]
    assert "reliable improvement" not in [text.get_text() for text in page.texts]
    assert "Reliable improvement" in [text.get_text() for text in page.texts]


def test_without_a_threshold_there_is_only_the_diagonal():
    figure = jacobson(made.clinical_result(60, instrument="BDI-II", norms=False, reliable=False))
    assert len(figure.axes()[0].get_lines()) == 1
    assert "No threshold of reliable change is known" in figure.alt_text
    assert "reliable change" not in figure.title


def test_another_definition_set_is_refused():
    with pytest.raises(OptionError, match="definition_set must be one of 'jacobson_truax'"):
        jacobson(made.clinical_result(60), "my_rule")


def test_of_a_cohort_too_small_to_be_counted_nothing_is_drawn():
    figure = jacobson(made.released(made.clinical_result(14)))
    axes = figure.axes()[0]
    assert cells_of(axes) == []
    assert [text.get_text() for text in axes.texts] == ["too few patients to be shown"]
    assert not [row for row in figure.rows if row[2] == "bins"]


def test_each_cohort_can_have_a_square():
    figure = jacobson(made.clinical_result(200, by="program_booked"), each_group=True)
    assert len(figure.axes()) == 2
    assert figure.name == "jacobson_phq_9_week_12_by_program_booked"
