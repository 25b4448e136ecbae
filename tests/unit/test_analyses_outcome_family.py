"""`outcome_family`: the declared procedure on the p-values of several results."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.kernels.multiplicity import adjusted_p_values


def analysis_set(seed=1, n_patients=120):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"id": range(n_patients), "visit": "week 12", "arm": np.arange(n_patients) % 2})
    frame["before"] = rng.integers(12, 25, n_patients)
    frame["score"] = np.clip(np.round(frame["before"] - 5 - frame["arm"] + rng.normal(0, 4, n_patients)), 0, 27)
    frame["arm"] = np.where(frame["arm"] == 1, "booked", "not booked")
    return kat.AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline="before",
        treatment="arm",
        comparator="not booked",
        treatment_known_by_day=0,
        instrument="PHQ-9",
        visits={"week 12": 84},
    )


@pytest.fixture(scope="module")
def results():
    data = analysis_set()
    return [
        kat.compare_cohorts(data, outcome=outcome, n_bootstrap=200, rng=1, interval=interval)
        for outcome, interval in (("score", "robust"), ("response", "bootstrap"), ("remission", "robust"))
    ]


def p_values(results):
    return np.array([result.estimates[0].p_value for result in results])


def test_holm_over_three_outcomes(results):
    family = kat.outcome_family(results)
    found = [one.estimate for one in family.estimates]
    np.testing.assert_allclose(found, adjusted_p_values(p_values(results), "holm"))
    assert [one.p_value for one in family.estimates] == p_values(results).tolist()
    assert family.estimates[1].term == "PHQ-9, response, week 12: booked - not booked"
    assert family.estimand.endpoint.variable == "score, response and remission"
    table = family.to_table()
    assert len(table.rows) == 3
    assert "adjusted" in table.columns[2]
    assert len(kat.release(family).to_table().rows) == 3


def test_the_default_graph_is_a_fixed_sequence(results):
    found = [one.estimate for one in kat.outcome_family(results, procedure="graph").estimates]
    np.testing.assert_allclose(found, np.maximum.accumulate(p_values(results)))


def test_a_graph_of_ones_own(results):
    family = kat.outcome_family(results[:2], procedure="graph", weights=(0.6, 0.4), transitions={(0, 1): 1.0})
    p = p_values(results[:2])
    first_ratio, second_ratio = p[0] / 0.6, p[1] / 0.4
    if first_ratio <= second_ratio:
        expected = [first_ratio, max(first_ratio, p[1])]
    else:
        expected = [max(first_ratio, second_ratio), second_ratio]
    np.testing.assert_allclose([one.estimate for one in family.estimates], np.minimum(expected, 1.0))
    assert "shares of the level at the start 0.6, 0.4" in family.method.description


def test_what_is_no_family(results):
    with pytest.raises(OptionError, match="are the same"):
        kat.outcome_family([results[0], results[0]])
    with pytest.raises(OptionError, match="the same data"):
        kat.outcome_family(
            [results[0], kat.compare_cohorts(analysis_set(2), outcome="response", n_bootstrap=100, rng=1)]
        )
    with pytest.raises(OptionError, match="describe has no single answer: a family is made of results of"):
        kat.outcome_family(kat.describe(analysis_set()))
    for nothing in ([], analysis_set(), ["score"]):
        with pytest.raises(OptionError, match="a family is made of results of compare_cohorts"):
            kat.outcome_family(nothing)
    with pytest.raises(OptionError, match="belong to procedure"):
        kat.outcome_family(results, weights=(1.0, 0.0, 0.0))
    with pytest.raises(OptionError, match="from 0 to 2"):
        kat.outcome_family(results, procedure="graph", transitions={(0, 5): 1.0})
    with pytest.raises(OptionError, match="together at most 1"):
        kat.outcome_family(results, procedure="graph", weights=(1.0, 1.0, 0.0))
    with pytest.raises(OptionError, match="procedure must be one of"):
        kat.outcome_family(results, procedure="hochberg")


def test_a_hypothesis_without_a_test_is_told(results):
    data = analysis_set()
    scores = data.scores.copy()
    scores[np.asarray(data.variable("arm").values) == 1] = np.nan
    unanswered = kat.compare_cohorts(dataclasses.replace(data, scores=scores), outcome="response", rng=1)
    family = kat.outcome_family([results[0], unanswered])
    assert not family.checks[0].passed
    assert np.isnan(family.estimates[1].estimate)
    assert family.estimates[0].estimate == results[0].estimates[0].p_value
