"""Standardized risks against statsmodels step by step, and effects by level against separate fits."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from katoutcomes.kernels.groups.effect_modification import modified_effects
from katoutcomes.kernels.groups.weighted_risks import OUTCOME_RIDGE, estimate_risks, predicted_risks
from katoutcomes.kernels.weighting.comparison import ArmData, Recipe, arm_weights


def made_up(n_patients=500, n_arms=2, seed=3):
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(n_patients, 2))
    arms = rng.integers(0, n_arms, n_patients)
    arms[:n_arms] = range(n_arms)
    risk = 1 / (1 + np.exp(-(-0.5 + covariates @ [0.8, -0.4] + 0.7 * arms)))
    outcome = (rng.random(n_patients) < risk).astype(np.float64)
    outcome[rng.random(n_patients) < 0.2] = np.nan
    history = rng.normal(size=(n_patients, 1))
    return ArmData(outcome, arms, n_arms, covariates, history, np.empty((n_patients, 0)))


def frequencies(n_patients, n_sets=3):
    rng = np.random.default_rng(8)
    drawn = rng.multinomial(n_patients, np.full(n_patients, 1 / n_patients), size=n_sets - 1)
    return np.vstack([np.ones(n_patients), drawn]).astype(np.float64)


@pytest.mark.parametrize("weights", ["overlap", "iptw_ate", "iptw_att", "entropy", "none"])
@pytest.mark.parametrize("method", ["weighted_ancova", "g_computation", "aipw"])
def test_risks_are_those_of_statsmodels(monkeypatch, weights, method):
    monkeypatch.setattr("katoutcomes.kernels.groups.weighted_risks.OUTCOME_RIDGE", 0.0)
    data, recipe = made_up(), Recipe(weights, observation_weights=True, method=method)
    counts = frequencies(500)
    found = estimate_risks(data, recipe, counts).means
    made = arm_weights(data, recipe, counts)
    seen, treated = data.is_observed, (data.arms == 1) * 1.0
    for number, count in enumerate(counts):
        weight = count / made.observed[number]
        if method == "weighted_ancova":
            weight = weight * made.balancing[number]
        design = np.column_stack([np.ones(500), data.covariates, treated])
        fit = sm.GLM(data.outcome[seen], design[seen], sm.families.Binomial(), freq_weights=weight[seen]).fit(tol=1e-12)
        target = count * made.tilt[number]
        for arm in (0, 1):
            forced = np.column_stack([design[:, :3], np.full(500, arm)])
            value = fit.predict(forced)
            if method == "aipw":
                reach = made.propensities[number, :, arm] * made.observed[number]
                own = (data.arms == arm) & seen
                value = value + np.where(own, (np.nan_to_num(data.outcome) - value) / reach, 0.0)
            assert found[number, arm] == pytest.approx(target @ value / target.sum(), abs=2e-8)


def test_the_ridge_hardly_moves_a_contrast(monkeypatch):
    data = made_up(300)
    once = np.ones((1, 300))
    with_ridge = estimate_risks(data, Recipe(), once).means
    monkeypatch.setattr("katoutcomes.kernels.groups.weighted_risks.OUTCOME_RIDGE", 0.0)
    without = estimate_risks(data, Recipe(), once).means
    assert OUTCOME_RIDGE == 1e-4
    np.testing.assert_allclose(np.diff(with_ridge), np.diff(without), rtol=2e-3)


def test_risks_stay_between_0_and_1_where_the_outcome_is_separated():
    data = made_up(200)
    outcome = np.where(data.covariates[:, 0] > 0.0, 1.0, 0.0)
    separated = ArmData(outcome, data.arms, 2, data.covariates, data.history, data.history_by_arm)
    risks = predicted_risks(separated, np.ones((2, 200)))
    assert ((risks >= 0.0) & (risks <= 1.0)).all()
    nobody = ArmData(
        np.where(data.arms == 1, np.nan, outcome), data.arms, 2, data.covariates, data.history, data.history_by_arm
    )
    assert np.isnan(estimate_risks(nobody, Recipe(), np.ones((1, 200))).means).all()


@pytest.mark.parametrize("n_arms", [2, 3])
def test_effects_by_level_are_those_of_one_least_squares_fit(n_arms):
    data = made_up(n_arms=n_arms)
    rng = np.random.default_rng(4)
    data = ArmData(
        rng.normal(size=500) + data.arms, data.arms, n_arms, data.covariates, data.history, data.history_by_arm
    )
    level = rng.integers(0, 3, 500)
    by_level, number = (level[:, None] == np.arange(3)) * 1.0, np.column_stack([np.ones(500), data.covariates[:, 0]])
    recipe = Recipe("iptw_ate", observation_weights=False)
    found = modified_effects(data, recipe, np.ones((1, 500)), [by_level, number])[0]
    weights = arm_weights(data, recipe, np.ones((1, 500))).balancing[0]
    expected = []
    for basis in (by_level, number):
        blocks = [basis * (data.arms == arm)[:, None] for arm in range(n_arms)]
        design, root = np.column_stack([*blocks, data.covariates]), np.sqrt(weights)
        # Of least norm where a column is in the arms' blocks and the covariates: differences of arms do not hang on it.
        fit = np.linalg.lstsq(design * root[:, None], data.outcome * root, rcond=None)[0]
        k = basis.shape[1]
        expected += [fit[arm * k : (arm + 1) * k] - fit[:k] for arm in range(1, n_arms)]
    np.testing.assert_allclose(found, np.concatenate(expected), atol=1e-6)


def test_a_level_without_an_arm_has_no_effect():
    data = made_up()
    basis = np.column_stack([data.arms == 1, data.arms == 0]) * 1.0
    assert np.isnan(modified_effects(data, Recipe("none", False), np.ones((1, 500)), [basis])).all()
