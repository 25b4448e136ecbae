"""The tipping grid of a binary outcome: worst and best case, what the answer assumes, table, figure, release."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.comparison.arms import comparison
from katoutcomes.kernels.groups.weighted_risks import estimate_risks
from katoutcomes.kernels.weighting.bootstrap import bootstrap, percentile_interval
from katoutcomes.kernels.weighting.comparison import Recipe

VISITS = {"week 4": 28, "week 12": 84}
CHOICES: dict[str, Any] = {"covariates": ("severity",), "outcome": "response", "n_bootstrap": 100, "rng": 4}


def analysis_set(rows):
    return kat.AnalysisSet.from_frame(
        rows,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        covariates=["severity"],
        instrument="PHQ-9",
        visits=VISITS,
        treatment="arm",
        treatment_known_by_day=0,
        comparator="not booked",
    )


@pytest.fixture(scope="module")
def rows():
    """240 patients in two arms, of whom a quarter have no score at week 12."""
    n_patients, rng = 240, np.random.default_rng(3)
    severity = rng.normal(size=n_patients)
    people = pd.DataFrame(
        {
            "id": [f"p{number}" for number in range(n_patients)],
            "before": np.clip(np.round(16 + 3 * severity + rng.normal(0, 2, n_patients)), 5, 27),
            "severity": np.round(severity, 2),
            "arm": np.where(rng.random(n_patients) < 1 / (1 + np.exp(-severity)), "booked", "not booked"),
        }
    )
    visits = []
    for name in VISITS:
        score = np.round(people["before"] - 5 - 3 * (people["arm"] == "booked") + rng.normal(0, 4, n_patients))
        missing = rng.random(n_patients) < 0.25
        visits.append(people.assign(visit=name, score=score.clip(0, 27).where(~missing)))
    return pd.concat(visits, ignore_index=True)


@pytest.fixture(scope="module")
def found(rows):
    return kat.compare_cohorts(analysis_set(rows), **CHOICES)


def grid_of(result):
    return {
        one.term.removeprefix("tipping grid: "): one for one in result.estimates if one.term.startswith("tipping grid")
    }


def answer(result):
    return next(one for one in result.estimates if one.term.startswith("follow-up, weighted: "))


def completed(rows, *, booked, others):
    """The scores with those missing at week 12 given a number: 0 is a response, 27 is none."""
    at, missing = rows["visit"].eq("week 12"), rows["score"].isna()
    full = rows.copy()
    full.loc[at & missing & rows["arm"].eq("booked"), "score"] = booked
    full.loc[at & missing & ~rows["arm"].eq("booked"), "score"] = others
    return full


@pytest.mark.parametrize(
    ("cell", "booked", "others"),
    [
        ("treated 0%, comparator 100%", 27.0, 0.0),
        ("treated 100%, comparator 0%", 0.0, 27.0),
        ("treated 0%, comparator 0%", 27.0, 27.0),
        ("treated 100%, comparator 100%", 0.0, 0.0),
    ],
)
def test_corners_are_the_comparison_of_completed_scores(rows, found, cell, booked, others):
    full = kat.compare_cohorts(analysis_set(completed(rows, booked=booked, others=others)), **CHOICES)
    one, other = grid_of(found)[cell], answer(full)
    # The logistic fits begin elsewhere and stop at a score of 1e-9 a patient.
    assert one.estimate == pytest.approx(other.estimate, abs=1e-7)


def test_limits_in_a_corner_are_those_of_the_completed_data_in_every_resample(rows, found):
    known: dict[str, Any] = {"visit": "week 12", "treatment": "arm", "in_care_until": None}
    arms = comparison(analysis_set(rows), covariates=CHOICES["covariates"], outcome="response", **known).arms
    full = replace(arms, outcome=np.where(arms.is_observed, arms.outcome, np.where(arms.arms == 1, 0.0, 1.0)))

    def statistic(frequencies):
        means = estimate_risks(full, Recipe(), frequencies).means
        return means[:, 1:] - means[:, :1]

    expected = percentile_interval(bootstrap(statistic, arms.arms.size, 100, CHOICES["rng"])[:, 0], 0.95)
    one = grid_of(found)["treated 0%, comparator 100%"]
    assert (one.conf_low, one.conf_high) == pytest.approx((expected.conf_low, expected.conf_high), abs=1e-7)


@pytest.mark.parametrize("choices", [{"interval": "robust"}, {"missing": "multiple_imputation"}])
def test_without_resamples_the_interval_of_the_answer_moves(rows, choices):
    result = kat.compare_cohorts(analysis_set(rows), **CHOICES, **choices)
    full = kat.compare_cohorts(analysis_set(completed(rows, booked=27.0, others=0.0)), **CHOICES, interval="robust")
    worst, main = grid_of(result)["treated 0%, comparator 100%"], answer(result)
    assert worst.estimate == pytest.approx(answer(full).estimate, abs=1e-9)
    moved = worst.estimate - main.estimate
    assert (worst.conf_low, worst.conf_high) == pytest.approx(
        (main.conf_low + moved, main.conf_high + moved), abs=1e-12
    )


def test_the_shares_that_are_assumed_give_the_answer(found):
    """Between its corners the grid is nearly straight, so what is assumed leads back to the answer."""
    grid, main = grid_of(found), answer(found)
    shares = {one.subgroup: one.estimate for one in found.select(term="tipping grid: as assumed")}
    comparator, treated = shares["arm: not booked"], shares["arm: booked"]
    assert 0.0 < comparator < 1.0
    assert 0.0 < treated < 1.0
    corner = {
        key: grid[f"treated {key[0]}, comparator {key[1]}"].estimate
        for key in [("0%", "0%"), ("0%", "100%"), ("100%", "0%")]
    }
    back = (
        corner["0%", "0%"]
        + comparator * (corner["0%", "100%"] - corner["0%", "0%"])
        + treated * (corner["100%", "0%"] - corner["0%", "0%"])
    )
    assert back == pytest.approx(main.estimate, abs=0.005)


def test_the_tipping_point_does_not_pass_nobody(rows, found):
    treated = found.select(term="tipping grid: as assumed", subgroup="arm: booked")[0].estimate
    point = next(one for one in found.select(measure="tipping point of a share"))
    assert point.term.startswith("tipping point: response less often among the missing")
    assert np.isnan(point.estimate) or point.estimate <= treated


def test_table_and_figure_show_the_grid(found):
    grid = {key: one for key, one in grid_of(found).items() if key != "as assumed"}
    assert len(grid) == 25
    table, figure = found.to_table("tipping"), found.plot("tipping")
    assert len(table.rows) == 5
    assert table.columns[1:] == tuple(f"not booked: {share}%" for share in (0, 25, 50, 75, 100))
    n_tipped = sum(one.conf_low <= 0.0 <= one.conf_high for one in grid.values())
    assert 0 < n_tipped < 25
    assert sum(cell.endswith("*") for row in table.rows for cell in row) == n_tipped
    assert [row[4] for row in figure.rows] == [one.estimate for one in grid.values()]
    assert "takes for granted: not booked" in figure.alt_text
    assert "had the outcome (response)" in str(table)


def test_it_is_hidden_with_the_few_who_are_missing_or_have_the_outcome(rows):
    few_missing = rows.copy()
    at, booked = rows["visit"].eq("week 12"), rows["arm"].eq("booked")
    few_missing["score"] = rows["score"].fillna(10.0)
    few_missing.loc[rows.index[at & booked][:4], "score"] = np.nan
    few_missing.loc[rows.index[at & ~booked][:20], "score"] = np.nan
    few_events = rows.copy()
    few_events.loc[at & ~booked & rows["score"].notna(), "score"] = 20.0
    few_events.loc[rows.index[at & ~booked & rows["score"].notna()][:3], "score"] = 0.0
    for data in (few_missing, few_events):
        released = kat.release(kat.compare_cohorts(analysis_set(data), **CHOICES))
        grid = grid_of(released)
        assert len(grid) == 26
        assert all(one.suppressed for one in grid.values())
        assert all(row[4] is None for row in released.plot("tipping").rows)
        assert set(released.to_table("tipping").rows[0][1:]) == {"hidden"}


def test_nothing_is_supposed_where_nobody_is_missing(rows):
    result = kat.compare_cohorts(analysis_set(completed(rows, booked=10.0, others=10.0)), **CHOICES)
    assert not grid_of(result)
    assert result.to_table("tipping").rows == ()
    with pytest.raises(kat.OptionError, match="nobody is missing"):
        result.plot("tipping")


def test_of_an_arm_of_whom_nobody_is_missing_nothing_is_assumed(rows):
    at, booked = rows["visit"].eq("week 12"), rows["arm"].eq("booked")
    one_sided = rows.copy()
    one_sided.loc[at & ~booked & rows["score"].isna(), "score"] = 12.0
    result = kat.compare_cohorts(analysis_set(one_sided), **CHOICES)
    assumed = {one.subgroup: one.estimate for one in result.select(term="tipping grid: as assumed")}
    assert np.isnan(assumed["arm: not booked"])
    assert 0.0 <= assumed["arm: booked"] <= 1.0
    assert len(grid_of(result)) == 26


def test_what_could_be_found_is_told_in_percentage_points_like_the_difference(rows, found):
    detectable = found.select(measure="minimal detectable difference in proportions")[0]
    difference = next(one for one in found.estimates if one.measure == "difference in proportions")
    assert detectable.estimate == pytest.approx(2.8 * difference.std_error)
    shown = {str(row[0]).strip(): row[2] for row in found.to_table().rows}
    assert shown["smallest difference found with a power of 80 percent"] == f"{100 * detectable.estimate:.0f} pp"
    tips = [text for label, text in shown.items() if "often among the missing by so much" in label]
    point = found.select(measure="tipping point of a share")[0].estimate
    assert tips == ["–" if np.isnan(point) else f"{100 * point:.0f} pp"]
    assert not found.select(measure="minimal detectable difference")
    rounded = kat.release(found, kat.DisclosurePolicy(round_to=5))
    again = rounded.select(measure="minimal detectable difference in proportions")[0]
    assert again.suppressed or again.estimate >= round(detectable.estimate, 2)
    days = kat.compare_cohorts(analysis_set(rows), **{**CHOICES, "outcome": "days_in_response"})
    assert days.select(measure="minimal detectable difference")[0].unit == "days"


def test_what_could_be_found_of_a_share_goes_with_the_number_seen(rows):
    """2.8 standard errors of a share tell it nearly: where the number seen is hidden, both are."""
    few = rows.assign(score=rows["score"].where(rows["score"] > 7, rows["score"] + 8))
    released = kat.release(kat.compare_cohorts(analysis_set(few), **CHOICES))
    assert any(one.suppressed for one in released.estimates if one.term.startswith("seen, of those scored"))
    assert all(one.suppressed for one in released.select(measure="minimal detectable difference in proportions"))
