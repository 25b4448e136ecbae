"""One band over visits and outcomes: from the resamples they share, against these, Sidak, and one number twice."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.results.resamples import Resamples

VISITS = {"week 4": 28, "week 12": 84}
CHOICES: dict[str, Any] = {"n_bootstrap": 400, "rng": 7}


def analysis_set(n_patients=160, seed=1, missing_baselines=0):
    rng = np.random.default_rng(seed)
    arm = np.arange(n_patients) % 2
    people = pd.DataFrame(
        {
            "id": range(n_patients),
            "before": rng.integers(12, 25, n_patients).astype(float),
            "arm": np.where(arm, "booked", "not booked"),
        }
    )
    people.loc[: missing_baselines - 1, "before"] = np.nan
    visits = []
    for name in VISITS:
        score = np.clip(np.round(people["before"].fillna(18) - 7 - 2 * arm + rng.normal(0, 5, n_patients)), 0, 27)
        visits.append(people.assign(visit=name, score=score))
    return kat.AnalysisSet.from_frame(
        pd.concat(visits),
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        treatment="arm",
        comparator="not booked",
        treatment_known_by_day=0,
        instrument="PHQ-9",
        visits=VISITS,
    )


@pytest.fixture(scope="module")
def data():
    return analysis_set()


@pytest.fixture(scope="module")
def results(data):
    choices: tuple[dict[str, Any], ...] = ({"visit": "week 4"}, {"visit": "week 12"}, {"outcome": "response"})
    return [kat.compare_cohorts(data, **CHOICES, **one) for one in choices]


@pytest.fixture(scope="module")
def family(results):
    return kat.outcome_family(results, procedure="max_t")


def of(result, start):
    return [one for one in result.estimates if one.term.startswith(start)]


def test_the_band_is_that_of_the_largest_deviation_in_each_resample(results, family):
    """By the definition, in plain loops over the resamples of the three comparisons."""
    columns = [result.resamples.differences[:, 0] for result in results]
    answers = [result.estimates[0] for result in results]
    errors = [float(np.std(column, ddof=1)) for column in columns]
    largest = sorted(
        max(
            abs(column[place] - one.estimate) / error
            for column, one, error in zip(columns, answers, errors, strict=True)
        )
        for place in range(400)
    )
    reach = family.select(measure="critical value")[0].estimate
    assert reach == pytest.approx(np.quantile(largest, 0.95))
    for one, answer, error in zip(of(family, "together"), answers, errors, strict=True):
        assert one.estimate == answer.estimate
        assert (one.conf_low, one.conf_high) == pytest.approx(
            (one.estimate - reach * error, one.estimate + reach * error)
        )
        beyond = sum(value >= abs(answer.estimate) / error for value in largest)
        assert one.p_value == pytest.approx(max((1 + beyond) / 401, answer.p_value))
    for one, answer in zip(of(family, "alone"), answers, strict=True):
        assert (one.conf_low, one.conf_high, one.p_value) == (answer.conf_low, answer.conf_high, answer.p_value)


def test_what_outcomes_have_in_common_narrows_the_band(family):
    """Independent: Sidak's quantile, above which only Bonferroni's lies; one number: the normal one."""
    reach = family.select(measure="critical value")[0].estimate
    # 400 resamples tell the quantile with an error of about 0.08.
    assert norm.ppf(0.975) - 0.1 < reach < norm.ppf(0.5 + 0.5 * 0.95 ** (1 / 3)) + 0.1


def test_independent_resamples_have_sidaks_band_and_the_same_ones_that_of_one(data, results):
    first, second = results[:2]
    rng = np.random.default_rng(3)
    normal = rng.normal(size=(100_000, 2))
    for drawn, expected in (
        (normal, norm.ppf(0.5 + 0.5 * 0.95**0.5)),
        (normal[:, [0, 0]], norm.ppf(0.975)),
    ):
        pair = [
            dataclasses.replace(one, resamples=Resamples("the same", one.estimates[0].estimate + drawn[:, [place]]))
            for place, one in enumerate((first, second))
        ]
        band = kat.outcome_family(pair, procedure="max_t")
        # The error of such a quantile is about 0.006.
        assert band.select(measure="critical value")[0].estimate == pytest.approx(expected, abs=0.02)


def test_adjusted_p_values_are_never_below_those_alone(family):
    adjusted = family.select(measure="adjusted p-value")
    assert len(adjusted) == 3
    assert all(one.estimate >= one.p_value for one in adjusted)


def test_resamples_have_to_be_the_same(data, results):
    for other in (
        kat.compare_cohorts(data, outcome="remission", n_bootstrap=400, rng=8),
        kat.compare_cohorts(data, outcome="remission", n_bootstrap=300, rng=7),
    ):
        with pytest.raises(OptionError, match="same resamples of the same patients"):
            kat.outcome_family([results[0], other], procedure="max_t")
    robust = kat.compare_cohorts(data, interval="robust", rng=7)
    with pytest.raises(OptionError, match="needs results of compare_cohorts"):
        kat.outcome_family([results[0], robust], procedure="max_t")
    wide = kat.compare_cohorts(data, outcome="remission", conf_level=0.9, **CHOICES)
    with pytest.raises(OptionError, match="one conf_level"):
        kat.outcome_family([results[0], wide], procedure="max_t")
    with pytest.raises(OptionError, match="belong to procedure"):
        kat.outcome_family(results, procedure="max_t", weights=(1.0, 0.0, 0.0))


def test_table_and_figure_show_both_intervals(results, family):
    table, figure = family.to_table(), family.plot("band")
    assert table.columns[3:] == ("Difference", "95% CI, alone", "95% CI, together")
    assert [row[1] for row in figure.rows] == [result.estimates[0].estimate for result in results]
    assert all(band_low < band_high for *_, band_low, band_high in figure.rows)
    assert "difference in points" not in figure.alt_text
    assert "standard errors" in figure.alt_text
    with pytest.raises(OptionError, match="has no band"):
        kat.outcome_family(results).plot("band")
    assert len(kat.outcome_family(results).to_table().columns) == 3


def test_released_differences_of_binary_outcomes_stay_with_their_own_comparison(family):
    released = kat.release(family)
    shown = [one.suppressed for one in (*of(released, "alone"), *of(released, "together"))]
    assert shown == [False, False, True] * 2
    assert not released.select(measure="critical value")[0].suppressed
    assert released.to_table().rows[2][3:] == ("hidden", "hidden", "hidden")
    assert "their own comparisons only" in str(released.to_table())
    assert released.plot("band").rows[2][1:] == (None,) * 5
    assert kat.release(released).to_json() == released.to_json()


def test_released_adjusted_p_values_keep_their_digits(results):
    """Two significant digits, as other p-values: 0.004 must not be released as 0.00 and read "<0.001"."""
    small = [
        dataclasses.replace(one, estimates=(dataclasses.replace(one.estimates[0], p_value=p), *one.estimates[1:]))
        for one, p in zip(results, (0.0021, 0.0162, 0.5), strict=True)
    ]
    released = kat.release(kat.outcome_family(small))
    assert [one.estimate for one in released.estimates] == [0.0063, 0.032, 0.5]
