"""The forest plot of subgroups and the change against baseline: what is drawn, what is said, what is hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.figures.change_by_baseline import COLUMNS as BY_BASELINE_COLUMNS
from katoutcomes.figures.forest import COLUMNS as FOREST_COLUMNS


def as_set(n_patients=400):
    rng = np.random.default_rng(9)
    before = np.clip(np.round(rng.normal(17, 4, n_patients)), 0, 27)
    frame = pd.DataFrame(
        {
            "id": range(n_patients),
            "visit": "week 12",
            "before": before,
            "phq": np.clip(np.round(before - 5 + rng.normal(0, 4, n_patients)), 0, 27),
            "site": rng.choice(["lake", "north", "small"], n_patients, p=[0.5, 0.48, 0.02]),
        }
    )
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="phq",
        baseline="before",
        instrument="PHQ-9",
        covariates=["site"],
        visits={"week 12": 84},
    )


@pytest.fixture(scope="module")
def result():
    return kat.change_from_baseline(as_set(), by="site", selection=kat.SelectionRule(referral_mean=13.0))


def test_forest_shows_each_group_once_with_its_difference(result):
    figure = result.plot("forest")
    assert figure.columns == FOREST_COLUMNS
    assert [row[0] for row in figure.rows] == ["all patients", "lake", "north", "small"]
    changes = result.select(term="change", measure="mean change", visit="week 12")
    assert [row[2] for row in figure.rows] == [change.estimate for change in changes]
    assert [row[7] for row in figure.rows][:2] == ["–", "–"]
    assert all(" to " in row[7] and row[8] != "–" for row in figure.rows[2:])
    assert "difference" in figure.alt_text
    marks = [line for line in figure.axes()[0].get_lines() if line.get_marker() in {"D", "o"}]
    assert [mark.get_xdata()[0] for mark in marks] == [change.estimate for change in changes]


def test_forest_leaves_no_trace_of_a_hidden_group(result):
    figure = kat.release(result).plot("forest")
    hidden = next(row for row in figure.rows if row[0] == "small")
    assert hidden[2:6] == (None, None, None, None)
    assert "not shown" in figure.alt_text
    marks = [line for line in figure.axes()[0].get_lines() if line.get_marker() in {"D", "o"}]
    assert len(marks) == sum(row[2] is not None for row in figure.rows) < 4


def test_forest_of_an_unknown_visit(result):
    with pytest.raises(OptionError, match="visit"):
        result.plot("forest", visit="week 40")


def test_lines_of_regression_to_the_mean_pass_through_the_referral_mean(result):
    figure = result.plot("change_by_baseline")
    assert figure.columns == BY_BASELINE_COLUMNS
    lines = [row for row in figure.rows if row[0] == "regression to the mean"]
    assert [row[5] for row in lines] == [0.6, 0.6, 0.9, 0.9]
    for row in lines:
        assert row[3] == pytest.approx(-(1 - row[5]) * (row[2] - 13.0))
    patients = [row for row in figure.rows if row[0] == "patients"]
    assert sum(row[4] for row in patients) == 400
    assert "reliability" in figure.alt_text


def test_released_circles_are_bins_that_may_be_shown(result):
    figure = kat.release(result).plot("change_by_baseline")
    patients = [row for row in figure.rows if row[0] == "patients"]
    assert patients
    assert all(row[4] >= 11 for row in patients)
    assert "bins of scores" in figure.alt_text


def test_without_a_selection_rule_there_is_no_line():
    figure = kat.change_from_baseline(as_set(60)).plot("change_by_baseline")
    assert not [row for row in figure.rows if row[0] == "regression to the mean"]
    assert "No line for regression to the mean" in figure.alt_text


def test_a_raincloud_counts_every_patient_once(result):
    figure = result.plot("change_distribution", each_group=True)
    groups = list(dict.fromkeys(row[0] for row in figure.rows))
    for group in groups:
        rows = [row for row in figure.rows if row[0] == group]
        (mean,) = [row for row in rows if row[2] == "mean change"]
        shown = sum(row[6] for row in rows if row[2] == "patients")
        assert str(shown) == mean[6]
        centre = sum(row[3] * row[6] for row in rows if row[2] == "patients") / shown
        assert centre == pytest.approx(mean[3])
    assert len(figure.axes()) == len(groups)


def test_a_released_raincloud_is_made_of_bins_that_may_be_shown(result):
    figure = kat.release(result).plot("change_distribution")
    bars = [row for row in figure.rows if row[2] == "patients"]
    assert bars
    assert all(row[6] >= 11 for row in bars)
    assert "middles of two bins" in figure.alt_text
