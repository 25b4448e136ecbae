"""Several arms of weeks with integration: their compilation against a loop, their weights, and the analysis."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm

import katoutcomes as kat
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.cohorts.emulation.compile_trial import emulation_set
from katoutcomes.cohorts.emulation.counts import compiled_counts
from katoutcomes.estimands.session_counts import SessionCount, session_counts
from katoutcomes.kernels.emulation.censoring_weights import fit_decisions
from katoutcomes.kernels.emulation.dose_response import arm_means, count_weights, linear_trend
from katoutcomes.kernels.emulation.estimators import predicted_outcome

TRIAL = kat.TargetTrial(confounders=("site", "program_booked", "covariate_affluence", "covariate_trauma_history"))
SAME_ARITHMETIC = 1e-8
"""Two orders of adding up the same sums, through models that are solved to 1e-9 a patient."""


@cache
def registry():
    return kat.simulate_registry(seed=20260930, n_patients=400, mechanism="start", scenario="null")


@cache
def found():
    return emulation(TRIAL, emulation_set(TRIAL, registry()), ())


@cache
def result():
    return kat.session_dose_response(TRIAL, registry(), n_bootstrap=100, rng=3)


def looped(strategy, sessions, last_care_day, probabilities):
    """Return whether one patient followed a strategy, and the weight, going through the weeks one by one."""
    had, weight, n_weeks = 0, 1.0, strategy.by_day // 7
    for week in range(n_weeks):
        if last_care_day < 7 * week:
            break
        p, did = probabilities[week], sessions[week]
        missing = strategy.weeks - had
        if missing > 0 and missing == n_weeks - week:
            weight *= 1.0 / p if did else 0.0
        elif missing <= 0 and not strategy.or_more:
            weight *= 0.0 if did else 1.0 / (1.0 - p)
        had += did
    return weight


@pytest.mark.parametrize("most", [1, 2, 4])
def test_followers_and_weights_are_those_of_a_loop_over_patients(most):
    strategies, patients = session_counts(most, 28), found().found
    weeks, arms = compiled_counts(strategies, patients)
    fit = fit_decisions(found().data, weeks, np.ones((1, found().n_patients)))
    weights = count_weights(weeks, arms, fit.probabilities)
    by_patient = [{} for _ in range(found().n_patients)]
    for row, (person, week) in enumerate(zip(weeks.patient, weeks.slot, strict=True)):
        by_patient[person][int(week)] = fit.probabilities[0, row]
    for strategy, arm, weight in zip(strategies, arms, weights, strict=True):
        expected = [
            looped(strategy, patients.session[person], patients.last_care_day[person], by_patient[person])
            for person in range(found().n_patients)
        ]
        np.testing.assert_allclose(weight[0], expected, rtol=1e-12)
        np.testing.assert_array_equal(arm.followed, np.array(expected) > 0.0)


def test_who_stays_follows_exactly_one_arm():
    patients = found().found
    _, arms = compiled_counts(session_counts(2, 28), patients)
    stayed = patients.last_care_day >= 21
    assert (np.sum([arm.followed for arm in arms], axis=0)[stayed] == 1).all()
    two_arms = found().data.arms
    _, arms = compiled_counts(session_counts(1, 28), patients)
    for arm, other in zip(arms, two_arms, strict=True):
        np.testing.assert_array_equal(arm.followed, other.followed)


def test_means_are_those_of_weighted_least_squares_on_stacked_copies():
    data, once = found().data, np.ones((1, found().n_patients))
    weeks, arms = compiled_counts(session_counts(2, 28), found().found)
    weights = count_weights(weeks, arms, fit_decisions(data, weeks, once).probabilities)
    completed = predicted_outcome(data, once).completed[0]
    dummies = np.repeat(np.eye(3), data.n_patients, axis=0)
    centered = np.tile(data.covariates - data.covariates.mean(axis=0), (3, 1))
    fit = sm.WLS(np.tile(completed, 3), np.column_stack([dummies, centered]), np.concatenate([w[0] for w in weights]))
    np.testing.assert_allclose(arm_means(data, weeks, arms, once)[0], fit.fit().params[:3], atol=SAME_ARITHMETIC)
    alone = np.zeros((1, data.n_patients))
    alone[0, np.flatnonzero(arms[0].followed & ~arms[2].followed)] = 1.0
    assert np.isnan(arm_means(data, weeks, arms, alone)[0, 2])


def test_the_trend_is_the_slope_of_a_line_through_the_means():
    means = np.array([4.0, 3.0, 3.5, 1.0])
    slope = np.polyfit([0.0, 1.0, 2.0, 4.0], means, 1)[0]
    assert linear_trend([0.0, 1.0, 2.0, 4.0]) @ means == pytest.approx(slope)


def test_under_no_effect_every_interval_holds_none_and_the_numbers_hang_together():
    pairs = result().select(measure="difference in means")
    means = [one.estimate for one in result().select(measure="adjusted mean")]
    assert [one.estimate for one in pairs] == pytest.approx(
        [means[1] - means[0], means[2] - means[0], means[2] - means[1]], abs=1e-9
    )
    trend = result().select(measure="linear combination")[0]
    assert trend.estimate == pytest.approx((means[2] - means[0]) / 2.0)
    assert all(one.conf_low < 0.0 < one.conf_high for one in (*pairs, trend))
    holm = [one.estimate for one in result().select(measure="adjusted p-value")]
    assert all(after >= one.p_value for one, after in zip(pairs, holm, strict=True))
    again = kat.session_dose_response(TRIAL, registry(), n_bootstrap=100, rng=3, n_workers=2)
    assert again.to_json() == result().to_json()


def test_an_arm_that_the_gate_keeps_out_has_no_number_and_the_others_stand():
    shut = kat.session_dose_response(TRIAL, registry(), most=4, n_bootstrap=100, rng=3)
    by_term = {one.term: one for one in shut.estimates}
    assert by_term["followed: 4 weeks or more"].n_patients > 0
    assert np.isnan(by_term["follow-up, emulated: 4 weeks or more"].estimate)
    assert by_term["emulated arms: 2 weeks minus 1 week"].std_error > 0.0
    assert np.isnan(by_term["trend over the arms: points per further week with a session"].estimate)
    assert any("4 weeks or more" in check.message for check in shut.checks if not check.passed)
    none = kat.session_dose_response(
        TRIAL, registry(), n_bootstrap=100, rng=3, gate=kat.FeasibilityGate(9999, 1.0, 1.0)
    )
    assert none.verdict == "withhold"
    assert none.plot().svg()
    assert none.to_table().rows


def test_what_cannot_be_is_refused():
    each_dose = kat.TargetTrial(strategy=kat.AfterEachDose(), comparator=kat.NoneUntil(42))
    with pytest.raises(kat.OptionError):
        kat.session_dose_response(each_dose, registry(), rng=1)
    with pytest.raises(kat.DesignError):
        kat.session_dose_response(TRIAL, registry(), most=5, rng=1)
    with pytest.raises(kat.DesignError):
        SessionCount(1, 20)
    with pytest.raises(kat.DesignError):
        SessionCount(5, 28)
    assert [one.sentence() for one in session_counts(1, 28)] == [
        "no integration session by day 28 while in care",
        "an integration session in at least 1 week by day 28, while in care",
    ]
