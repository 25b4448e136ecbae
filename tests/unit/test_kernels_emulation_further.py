"""What stands beside an emulated trial: by week, by level, with other missing scores; against loops and statsmodels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.weightstats import DescrStatsW

from katoutcomes.kernels.emulation.by_week import weekly_balance, weights_by_week
from katoutcomes.kernels.emulation.censoring_weights import censoring_weights
from katoutcomes.kernels.emulation.data import Arm, Decisions, EmulationData
from katoutcomes.kernels.emulation.estimators import ESTIMATES, clone_means, emulated_estimates, predicted_outcome
from katoutcomes.kernels.emulation.further_estimates import (
    FURTHER,
    assumed_of_missing,
    difference_with_truncation,
    further_estimates,
    modified_effects,
)
from katoutcomes.kernels.groups.sensitivity import partial_r2
from katoutcomes.kernels.groups.strongest_covariate import strongest_covariate

N_WEEKS = 3
SAME_ARITHMETIC = 1e-8
"""Two orders of adding up the same sums, through models that are solved to 1e-9 a patient."""


def made_up(n_patients=240, seed=11):
    """Return patients who may begin in one of three weeks, all in care."""
    rng = np.random.default_rng(seed)
    covariates = np.column_stack([rng.normal(size=n_patients), rng.integers(0, 2, n_patients)])
    last = covariates[:, :1] + rng.normal(size=(n_patients, N_WEEKS))
    session = np.zeros((n_patients, N_WEEKS), dtype=bool)
    rows = []
    for person in range(n_patients):
        for week in range(N_WEEKS):
            if session[person, :week].any():
                break
            session[person, week] = rng.random() < 1.0 / (1.0 + np.exp(0.6 - 0.5 * last[person, week]))
            rows.append((person, week, float(session[person, week]), last[person, week]))
    patient, slot, happened, state = (np.array(column) for column in zip(*rows, strict=True))
    weeks = Decisions(patient, slot, happened, state[:, None])
    started = session.any(axis=1)
    arms = (
        Arm(0, np.ones(len(patient), dtype=bool), 0.0, ~started),
        Arm(0, slot == N_WEEKS - 1, 1.0, started),
    )
    outcome = covariates[:, 0] - started * (0.4 + 0.5 * covariates[:, 1]) + rng.normal(size=n_patients)
    outcome[rng.random(n_patients) < 0.25] = np.nan
    history = np.column_stack([last[:, -1], started])
    everybody = np.ones(n_patients, dtype=bool)
    return EmulationData(outcome, covariates, history, (weeks,), arms, everybody, started, started)


DATA = made_up()
ONCE = np.ones((1, DATA.n_patients))
WEIGHTS = censoring_weights(DATA, ONCE)


def test_the_weights_of_the_last_week_are_those_of_the_trial_and_each_week_is_a_product():
    weeks = DATA.models[0]
    for arm, final in zip(DATA.arms, WEIGHTS.arms, strict=True):
        found = weights_by_week(arm, weeks, WEIGHTS.probabilities[0][0], weeks.slot, N_WEEKS)
        np.testing.assert_allclose(found[-1], final[0], rtol=1e-12)
        for week in range(N_WEEKS):
            for person in range(DATA.n_patients):
                weight = 1.0
                for row in np.flatnonzero((weeks.patient == person) & (weeks.slot <= week) & arm.is_decision):
                    p = WEIGHTS.probabilities[0][0][row]
                    did = weeks.happened[row] == arm.required
                    weight *= 1.0 / (p if arm.required else 1.0 - p) if did else 0.0
                assert found[week, person] == pytest.approx(weight, rel=1e-12)


def test_the_balance_of_a_week_is_a_difference_of_weighted_means():
    weeks, p = DATA.models[0], WEIGHTS.probabilities[0][0]
    values = weeks.state[:, 0]
    found = weekly_balance(weeks, values, p, 2.5)
    for place, slot in enumerate(found.slot):
        here = weeks.slot == slot
        groups = [here & (weeks.happened == 1.0), here & (weeks.happened == 0.0)]
        assert [found.n_with[place], found.n_without[place]] == [int(group.sum()) for group in groups]
        plain = [values[group].mean() for group in groups]
        weighted = [
            DescrStatsW(values[group], weights=1.0 / q[group]).mean
            for group, q in zip(groups, (p, 1.0 - p), strict=True)
        ]
        assert found.before[place] == pytest.approx((plain[0] - plain[1]) / 2.5)
        assert found.weighted[place] == pytest.approx((weighted[0] - weighted[1]) / 2.5)
    empty = Decisions(np.arange(3), np.zeros(3, dtype=int), np.ones(3), np.zeros((3, 1)))
    assert np.isnan(weekly_balance(empty, np.arange(3.0), np.full(3, 0.5), 1.0).before).all()


def test_adding_points_to_missing_scores_moves_the_difference_by_the_shift():
    comparator, treated, control, _ = further_estimates(DATA, ONCE)[0]
    completed = predicted_outcome(DATA, ONCE).completed
    before = np.diff(clone_means(DATA, completed, WEIGHTS.arms, ONCE))[0, 0]
    every = completed + 3.0 * ~DATA.is_observed
    both = np.diff(clone_means(DATA, every, WEIGHTS.arms, ONCE))[0, 0]
    assert both - before == pytest.approx(3.0 * (comparator + treated), abs=SAME_ARITHMETIC)
    assert comparator < 0.0 < treated
    assert np.isnan(control)
    arm = np.repeat([0.0, 1.0], DATA.n_patients)
    design = sm.add_constant(np.column_stack([arm, np.tile(DATA.covariates, (2, 1))]))
    stacked = np.concatenate([one[0] for one in WEIGHTS.arms])
    only_treated = np.tile(completed[0], 2) + 3.0 * (arm == 1.0) * np.tile(~DATA.is_observed, 2)
    fit = sm.WLS(only_treated, design, weights=stacked).fit()
    assert fit.params[1] - before == pytest.approx(3.0 * treated, abs=SAME_ARITHMETIC)


def test_the_control_is_the_answer_for_another_outcome():
    known = DATA.covariates[:, 0] ** 2
    found = further_estimates(DATA, ONCE, control=known)[0, 2]
    other = emulated_estimates(replace(DATA, outcome=known), ONCE)[0, 2]
    assert found == pytest.approx(other, abs=SAME_ARITHMETIC)
    gone = np.where(np.arange(DATA.n_patients) % 3 == 0, np.nan, known)
    kept = np.tile(~np.isnan(gone), 2)
    arm = np.repeat([0.0, 1.0], DATA.n_patients)
    design = sm.add_constant(np.column_stack([arm, np.tile(DATA.covariates, (2, 1))]))
    stacked = np.concatenate([one[0] for one in WEIGHTS.arms])
    fit = sm.WLS(np.tile(gone, 2)[kept], design[kept], weights=stacked[kept]).fit()
    assert further_estimates(DATA, ONCE, control=gone)[0, 2] == pytest.approx(fit.params[1], abs=SAME_ARITHMETIC)


def test_effects_by_level_are_those_of_an_interaction():
    flag = DATA.covariates[:, 1]
    basis = np.column_stack([1.0 - flag, flag])
    completed = predicted_outcome(DATA, ONCE).completed
    found = modified_effects(DATA, completed, WEIGHTS, ONCE, basis)[0]
    arm, level = np.repeat([0.0, 1.0], DATA.n_patients), np.tile(flag, 2)
    design = sm.add_constant(np.column_stack([arm, arm * level, level, np.tile(DATA.covariates[:, 0], 2)]))
    fit = sm.WLS(np.tile(completed[0], 2), design, weights=np.concatenate([one[0] for one in WEIGHTS.arms])).fit()
    np.testing.assert_allclose(found, [fit.params[1], fit.params[1] + fit.params[2]], atol=1e-6)
    np.testing.assert_allclose(
        further_estimates(DATA, ONCE, bases=[basis])[0, len(FURTHER) :], found, atol=SAME_ARITHMETIC
    )
    number = np.column_stack([np.ones(DATA.n_patients), DATA.covariates[:, 0]])
    slopes = modified_effects(DATA, completed, WEIGHTS, ONCE, number)[0]
    columns = [arm, arm * np.tile(DATA.covariates[:, 0], 2), np.tile(DATA.covariates, (2, 1))]
    fit = sm.WLS(
        np.tile(completed[0], 2),
        sm.add_constant(np.column_stack(columns)),
        weights=np.concatenate([one[0] for one in WEIGHTS.arms]),
    ).fit()
    np.testing.assert_allclose(slopes, fit.params[1:3], atol=1e-6)


def test_a_level_without_a_follower_of_an_arm_has_no_effect():
    level = (~DATA.arms[0].followed).astype(float)
    found = modified_effects(DATA, predicted_outcome(DATA, ONCE).completed, WEIGHTS, ONCE, level[:, None])
    assert np.isnan(found).all()


def test_cutting_no_weight_changes_nothing():
    answer = emulated_estimates(DATA, ONCE)[0]
    assert difference_with_truncation(DATA, 1.0) == pytest.approx(answer[2], abs=SAME_ARITHMETIC)
    assert difference_with_truncation(DATA, 0.99) == pytest.approx(answer[3], abs=SAME_ARITHMETIC)


def test_the_strongest_covariate_is_that_of_two_regressions():
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(150, 3)) * [1.0, 4.0, 0.2]
    exposed = columns[:, 1] / 4.0 + rng.normal(size=150) > 0.0
    outcome = columns @ [0.2, 0.5, 1.0] + exposed + rng.normal(size=150)
    found = strongest_covariate(columns, exposed, outcome, 145.0)
    first = sm.OLS(exposed.astype(float), sm.add_constant(columns)).fit().tvalues[1:]
    second = sm.OLS(outcome, sm.add_constant(np.column_stack([exposed, columns]).astype(float))).fit().tvalues[2:]
    pairs = [(partial_r2(a, 145.0), partial_r2(b, 145.0)) for a, b in zip(first, second, strict=True)]
    best = max(range(3), key=lambda place: pairs[place][0] * pairs[place][1])
    assert (found.column, found.r2_exposure, found.r2_outcome) == pytest.approx((best, *pairs[best]), rel=1e-9)
    assert strongest_covariate(columns, exposed, outcome, 1.0) is None


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_the_missing_is_the_answer_of_data_in_which_they_have_it(share):
    """With the same share in both arms the completed data are one data set, whose analysis predicts nothing."""
    filled = replace(DATA, outcome=np.where(DATA.is_observed, DATA.outcome, share))
    comparator, treated, _, nobody = further_estimates(DATA, ONCE)[0]
    expected = emulated_estimates(filled, ONCE)[0, ESTIMATES.index("cloned, censored, weighted")]
    assert nobody + share * (comparator + treated) == pytest.approx(expected, abs=SAME_ARITHMETIC)


def test_what_is_assumed_of_the_missing_is_what_is_predicted_for_them():
    completed, weights = predicted_outcome(DATA, ONCE).completed[0], censoring_weights(DATA, ONCE).arms
    for arm, assumed in enumerate(assumed_of_missing([DATA], np.ones(1))):
        rows = np.flatnonzero(~DATA.is_observed & (weights[arm][0] > 0.0))
        assert assumed == pytest.approx(np.average(completed[rows], weights=weights[arm][0, rows]))
