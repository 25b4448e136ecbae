"""Emulated trials in which leaving care is part of the outcome: against statsmodels, and by what must be equal."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm

import katoutcomes as kat
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.cohorts.emulation.compile_trial import emulation_set
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.estimands.session_counts import SessionCount
from katoutcomes.kernels.emulation.censoring_weights import censoring_weights
from katoutcomes.kernels.emulation.estimators import ESTIMATES, emulated_estimates

TRIAL = kat.TargetTrial(confounders=("site", "program_booked", "covariate_affluence"))
COMPOSITE = replace(TRIAL, outcome="response", left_care="composite")
IN_CARE = replace(TRIAL, left_care="while_in_care")
SIZE = {"n_bootstrap": 100, "rng": 3}


@cache
def registry():
    return kat.simulate_registry(seed=20260930, n_patients=400, mechanism="start")


@cache
def result(trial):
    return kat.emulate_trial(trial, registry(), **SIZE)


def found_of(trial, **care):
    return emulation(trial, emulation_set(trial, registry(), **care), ())


def only(result, **fields):
    (found,) = result.select(**fields)
    return found


def test_the_outcome_of_each_patient_is_what_was_asked():
    plain, composite, in_care = (found_of(trial) for trial in (TRIAL, COMPOSITE, IN_CARE))
    patients = composite.found
    scores, left = patients.outcome, patients.has_left
    responded = np.where(np.isnan(scores), np.nan, scores <= 0.5 * patients.baseline)
    np.testing.assert_array_equal(composite.data.outcome, np.where(left, 0.0, responded))
    assert (composite.data.certain == left).all()
    assert left[~np.isnan(scores)].any()
    last = np.where(left | np.isnan(scores), patients.last_score[:, -1], scores)
    np.testing.assert_array_equal(in_care.data.outcome, last)
    assert in_care.data.is_observed.all()
    np.testing.assert_array_equal(plain.data.outcome, scores)


def test_the_composite_difference_is_that_of_statsmodels():
    """Outcomes in care predicted by the patients in care, then weighted least squares of the copies."""
    data = found_of(COMPOSITE).data
    once = np.ones((1, data.n_patients))
    estimate = dict(zip(ESTIMATES, emulated_estimates(data, once)[0], strict=True))
    columns = sm.add_constant(np.column_stack([data.covariates, data.history]), has_constant="add")
    rows = data.is_observed & ~data.certain
    varying = np.concatenate([[True], np.ptp(columns[rows][:, 1:], axis=0) > 0.0])
    predicted = sm.OLS(data.outcome[rows], columns[rows][:, varying]).fit().predict(columns[:, varying])
    completed = np.where(data.is_observed, np.nan_to_num(data.outcome), predicted)
    weights = censoring_weights(data, once).arms
    copies = np.vstack([np.column_stack([np.full(data.n_patients, arm), data.covariates]) for arm in (0.0, 1.0)])
    fit = sm.WLS(
        np.tile(completed, 2), sm.add_constant(copies), weights=np.concatenate([one[0] for one in weights])
    ).fit()
    assert estimate["cloned, censored, weighted"] == pytest.approx(fit.params[1], abs=1e-8)
    assert estimate["treated mean"] - estimate["comparator mean"] == pytest.approx(fit.params[1], abs=1e-8)


@pytest.mark.parametrize(("asked", "plain"), [(COMPOSITE, replace(TRIAL, outcome="response")), (IN_CARE, TRIAL)])
def test_where_nobody_leaves_it_is_the_outcome_itself(asked, plain):
    keys = registry().table("patients")["patient_id"].tolist()
    one, other = (found_of(trial, in_care_until=dict.fromkeys(keys, 400)).data for trial in (asked, plain))
    scored = other.is_observed
    np.testing.assert_array_equal(one.outcome[scored], other.outcome[scored])
    if asked is COMPOSITE:
        once = np.ones((1, one.n_patients))
        np.testing.assert_allclose(emulated_estimates(one, once), emulated_estimates(other, once), atol=1e-12)


def test_composite_is_told_as_shares_with_a_ratio():
    answer, ratio = only(result(COMPOSITE), term="emulated trial"), only(result(COMPOSITE), term="emulated ratio")
    shares = [one.estimate for one in result(COMPOSITE).select(measure="adjusted share")]
    assert (answer.measure, answer.unit) == ("difference in proportions", "")
    assert answer.estimate == pytest.approx(shares[1] - shares[0], abs=1e-12)
    assert ratio.estimate == pytest.approx(shares[1] / shares[0], abs=1e-12)
    assert ratio.conf_low < ratio.estimate < ratio.conf_high
    e_value = only(result(COMPOSITE), term="unmeasured confounding: E-value of the estimate").estimate
    above = max(ratio.estimate, 1.0 / ratio.estimate)
    assert e_value == pytest.approx(above + (above * (above - 1.0)) ** 0.5)
    assert result(COMPOSITE).estimand.name == "composite_response"
    table = result(COMPOSITE).to_table()
    assert kat.NAMED_ESTIMANDS["composite_response"].sentence in table.question
    assert "Share at the visit, emulated trial (percent)" in table.row_groups
    assert not any("points" in group for group in table.row_groups)
    assert "difference of shares" in result(COMPOSITE).plot("bias_diary").svg()
    assert not [one for one in result(COMPOSITE).estimates if one.unit == "points"]


def test_events_are_counted_by_whom_they_happened_to():
    found = found_of(COMPOSITE)
    comparator, treated = (arm.followed for arm in found.data.arms)
    row = only(result(COMPOSITE), term="seen with the outcome, followed only the treated strategy")
    members = treated & ~comparator
    assert (row.n_counted, row.n_patients) == (int((found.data.outcome[members] > 0.0).sum()), members.sum())
    scored = only(result(COMPOSITE), term="scored, followed only the treated strategy")
    assert scored.n_counted == int((members & ~np.isnan(found.found.outcome)).sum())
    shut = kat.emulate_trial(COMPOSITE, registry(), gate=kat.FeasibilityGate(10_000), **SIZE)
    assert not [one for one in shut.estimates if one.term.startswith("seen with")]
    assert np.isnan(only(shut, term="emulated trial").estimate)


def test_few_events_hide_every_share():
    rare = replace(TRIAL, outcome="remission", left_care="composite")
    tables = {name: registry().table(name) for name in ("patients", "sessions", "scores")}
    scores = tables["scores"].copy()
    late = (scores["instrument"] == "phq9") & (scores["day"] > 60)
    scores.loc[late, [name for name in scores if name.startswith("item_")]] = None
    scores.loc[late & (scores.index % 40 > 0), "total"] = 15
    scores.loc[late & (scores.index % 40 == 0), "total"] = 1
    few = kat.read_registry(tables | {"scores": scores}, is_synthetic=True)
    released = kat.release(kat.emulate_trial(rare, few, **SIZE))
    assert only(released, term="emulated trial").suppressed
    assert all(one.suppressed for one in released.estimates if one.measure in {"adjusted share", "risk ratio"})


def test_the_last_score_in_care_describes():
    found = result(IN_CARE)
    assert (found.estimand.name, found.estimand.is_causal) == ("while_in_care", False)
    assert any("Last scores in care are of different days" in text for text in found.warnings)
    assert "which is no effect" in found.estimand.sentence()
    stems = {one.term.split(": ")[0] for one in found.estimates}
    assert not stems & {"unmeasured confounding", "tipping point"}
    (check,) = [check for check in found.checks if check.name == "difference in leaving care"]
    assert 0.0 <= check.value < 0.3


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"left_care": "composite"}, "needs a binary outcome"),
        ({"left_care": "stayed"}, "left_care"),
        (
            {"strategy": SessionCount(1), "comparator": SessionCount(0), "left_care": "while_in_care"},
            "compared by scores",
        ),
    ],
)
def test_trials_that_make_no_sense_are_refused(fields, words):
    with pytest.raises((DesignError, OptionError), match=words):
        replace(TRIAL, **fields)
