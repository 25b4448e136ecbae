"""Batched weighting kernels against one fit at a time: statsmodels, scipy, brute force, identities."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize

from katoutcomes.kernels.groups.cluster_robust import cluster_robust
from katoutcomes.kernels.groups.cluster_wild_bootstrap import wild_cluster_test
from katoutcomes.kernels.weighting.balance import covariate_balance, overlap_coefficient
from katoutcomes.kernels.weighting.balancing_weights import (
    generalized_overlap_weights,
    inverse_probability_weights,
    overlap_weights,
)
from katoutcomes.kernels.weighting.bootstrap import BLOCK, bootstrap, frequencies_of_block, percentile_interval
from katoutcomes.kernels.weighting.comparison import (
    METHODS,
    ArmData,
    Recipe,
    arm_weights,
    contrasts,
    estimated_means,
)
from katoutcomes.kernels.weighting.logistic import expit, fit_logistic
from katoutcomes.kernels.weighting.multinomial import fit_multinomial
from katoutcomes.kernels.weighting.weighted_ancova import robust_fit, weighted_coefficients

TIGHT = 1e-9
"""Both solve the same equations to rounding; the logistic score is solved to 1e-9 a patient."""


def made_up(n_patients=120, n_arms=2, seed=5):
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(n_patients, 3)) * [1.0, 4.0, 0.3] + [0.0, 20.0, 0.0]
    arms = (rng.random(n_patients) * n_arms).astype(np.int64)
    history = rng.normal(size=(n_patients, 1)) + covariates[:, :1]
    outcome = covariates @ [1.0, 0.5, 2.0] - 2.0 * arms + history[:, 0] + rng.normal(size=n_patients)
    outcome[rng.random(n_patients) < expit(-1.0 + history[:, 0])] = np.nan
    return ArmData(outcome, arms, n_arms, covariates, history, history * arms[:, None])


def resamples(n_patients, n_sets=4):
    return frequencies_of_block(11, 0, n_sets, n_patients)


def test_logistic_is_maximum_likelihood_set_by_set():
    data, frequencies = made_up(), resamples(120)
    treated = (data.arms == 1).astype(np.float64)
    fits = fit_logistic(data.covariates, treated, frequencies, ridge=0.0, limits=(0.0, 1.0))
    for row, counts in enumerate(frequencies):
        theirs = sm.GLM(treated, sm.add_constant(data.covariates), sm.families.Binomial(), freq_weights=counts).fit()
        np.testing.assert_allclose(fits.coefficients[row], theirs.params, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(fits.probabilities[row], theirs.fittedvalues, atol=1e-8)


def test_logistic_ridge_and_firth_maximize_their_penalized_likelihoods():
    data, counts = made_up(40), resamples(40, 1)
    treated, size = (data.arms == 1).astype(np.float64), counts.sum()
    columns = np.column_stack([np.ones(40), (data.covariates - data.covariates.mean(0)) / data.covariates.std(0)])

    def negative(beta, ridge, firth):
        eta = columns @ beta
        value = counts[0] @ (treated * eta - np.logaddexp(0.0, eta)) - 0.5 * ridge * size * (beta[1:] ** 2).sum()
        if firth:
            spread = counts[0] * expit(eta) * (1.0 - expit(eta))
            value += 0.5 * np.linalg.slogdet((columns * spread[:, None]).T @ columns)[1]
        return -value

    for ridge, firth in ((0.05, False), (0.0, True)):
        best = minimize(negative, np.zeros(4), args=(ridge, firth), method="BFGS", options={"gtol": 1e-8}).x
        found = fit_logistic(data.covariates, treated, counts, ridge=ridge, firth=firth, limits=(0.0, 1.0))
        np.testing.assert_allclose(found.probabilities[0], expit(columns @ best), atol=1e-6)


def test_a_start_changes_no_answer():
    data, frequencies = made_up(), resamples(120)
    treated = (data.arms == 1).astype(np.float64)
    cold = fit_logistic(data.covariates, treated, frequencies)
    warm = fit_logistic(data.covariates, treated, frequencies, start=np.array([3.0, -1.0, 0.1, 0.4]))
    np.testing.assert_allclose(warm.probabilities, cold.probabilities, atol=1e-8)


@pytest.mark.parametrize("firth", [False, True])
def test_separated_outcomes_have_a_finite_answer_that_is_counted(firth):
    design = np.arange(10.0)[:, None]
    fits = fit_logistic(design, (design[:, 0] > 4).astype(float), np.ones((1, 10)), firth=firth)
    assert fits.converged.all()
    assert np.isfinite(fits.coefficients).all()
    assert fits.probabilities.min() >= 0.01
    plain = fit_logistic(design, (design[:, 0] > 4).astype(float), np.ones((1, 10)), firth=False)
    assert plain.n_limited[0] == ((plain.probabilities == 0.01) | (plain.probabilities == 0.99)).sum() > 0


def test_multinomial_of_two_arms_is_the_logistic_and_of_three_is_that_of_statsmodels():
    data, frequencies = made_up(), resamples(120)
    two = fit_multinomial(data.covariates, data.arms, 2, frequencies)
    binary = fit_logistic(data.covariates, (data.arms == 1).astype(float), frequencies)
    np.testing.assert_allclose(two.coefficients[:, 0], binary.coefficients, rtol=1e-5, atol=1e-7)
    three = made_up(n_arms=3)
    found = fit_multinomial(three.covariates, three.arms, 3, np.ones((1, 120)), ridge=0.0)
    theirs = sm.MNLogit(three.arms, sm.add_constant(three.covariates)).fit(disp=0, tol=1e-12)
    np.testing.assert_allclose(found.coefficients[0], theirs.params.T, rtol=1e-5, atol=1e-7)


def test_overlap_weights_balance_the_covariates_exactly():
    data = made_up(n_arms=2)
    treated = data.arms == 1
    fits = fit_logistic(data.covariates, treated * 1.0, np.ones((1, 120)), ridge=0.0)
    balance = covariate_balance(data.covariates, treated, overlap_weights(fits.probabilities, treated)[0])
    np.testing.assert_allclose(balance.smd, 0.0, atol=1e-8)
    three = made_up(n_arms=3)
    fits = fit_multinomial(three.covariates, three.arms, 3, np.ones((1, 120)), ridge=0.0)
    np.testing.assert_allclose(fits.probabilities.sum(axis=2), 1.0, atol=1e-12)
    two = fit_multinomial(data.covariates, data.arms, 2, np.ones((1, 120)))
    binary = overlap_weights(two.probabilities[:, :, 1], treated)
    np.testing.assert_allclose(generalized_overlap_weights(two.probabilities, data.arms), binary, atol=1e-12)


def test_weights_of_a_target_are_those_of_everybody_times_its_share():
    data = made_up()
    treated, e = data.arms == 1, fit_logistic(data.covariates, (data.arms == 1) * 1.0, np.ones((1, 120))).probabilities
    everybody = inverse_probability_weights(e, treated, "ate")
    np.testing.assert_allclose(inverse_probability_weights(e, treated, "att"), everybody * e, rtol=TIGHT)
    np.testing.assert_allclose(inverse_probability_weights(e, treated, "atc"), everybody * (1.0 - e), rtol=TIGHT)
    np.testing.assert_allclose(overlap_weights(e, treated), everybody * e * (1.0 - e), rtol=TIGHT)


def test_weighted_least_squares_and_its_robust_variances():
    data, frequencies = made_up(), resamples(120)
    seen = data.is_observed
    design = np.column_stack([np.ones(120), data.arms, data.covariates])
    found = weighted_coefficients(design, data.outcome, frequencies * seen)
    weights = np.where(seen, np.random.default_rng(3).random(120) + 0.2, 0.0)
    for row, counts in enumerate(frequencies):
        theirs = sm.WLS(data.outcome[seen], design[seen], weights=counts[seen]).fit()
        np.testing.assert_allclose(found[row], theirs.params, rtol=1e-7)
    for kind in ("HC0", "HC1", "HC2", "HC3"):
        theirs = sm.WLS(data.outcome[seen], design[seen], weights=weights[seen]).fit(cov_type=kind)
        ours = robust_fit(design, data.outcome, weights, kind)
        np.testing.assert_allclose(ours.covariance, theirs.cov_params(), rtol=1e-7)
        assert ours.df == theirs.df_resid


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weights", ["overlap", "iptw_ate", "iptw_att", "entropy", "none"])
@pytest.mark.parametrize("observation_weights", [True, False])
def test_frequencies_are_copies(method, weights, observation_weights):
    """A patient who counts three times is three patients, in every step of every pipeline."""
    data, frequencies = made_up(60), resamples(60, 2)
    recipe = Recipe(weights, observation_weights, method, ridge=0.0)
    found = estimated_means(data, recipe, frequencies)
    for row, counts in enumerate(frequencies):
        copies = np.repeat(np.arange(60), counts.astype(int))
        arrays = (data.covariates[copies], data.history[copies], data.history_by_arm[copies])
        longer = ArmData(data.outcome[copies], data.arms[copies], 2, *arrays)
        np.testing.assert_allclose(
            contrasts(found)[row], contrasts(estimated_means(longer, recipe, np.ones((1, 60))))[0], rtol=1e-5
        )


def test_overlap_pipeline_is_what_statsmodels_gives_step_by_step():
    data, counts = made_up(), resamples(120, 1)[0]
    treated, seen = (data.arms == 1).astype(float), data.is_observed
    binomial = sm.families.Binomial()
    e = sm.GLM(treated, sm.add_constant(data.covariates), binomial, freq_weights=counts).fit().fittedvalues
    design = np.column_stack([np.ones(120), data.covariates, data.history, treated, data.history_by_arm])
    pi = sm.GLM(seen.astype(float), design, binomial, freq_weights=counts).fit().fittedvalues
    weights = np.where(treated == 1, 1 - e, e) / np.clip(pi, 0.01, 0.99) * counts
    ancova = sm.add_constant(np.column_stack([treated, data.covariates]))
    theirs = sm.WLS(data.outcome[seen], ancova[seen], weights=weights[seen]).fit().params[1]
    means = estimated_means(data, Recipe(ridge=0.0), counts[None, :])
    assert contrasts(means)[0, 0] == pytest.approx(theirs, rel=1e-6)


def test_an_arm_without_an_outcome_has_no_estimate():
    data = made_up()
    counts = np.ones((2, 120))
    counts[0, (data.arms == 1) & data.is_observed] = 0.0
    for method in METHODS:
        found = contrasts(estimated_means(data, Recipe(method=method), counts))
        assert np.isnan(found[0]).all()
        assert np.isfinite(found[1]).all()


def test_augmented_estimates_stay_right_with_one_wrong_model():
    """Doubly robust: with a constant propensity (wrong) the outcome model carries it, and the other way round."""
    rng = np.random.default_rng(2)
    n = 40_000
    x = rng.normal(size=(n, 1))
    arms = (rng.random(n) < expit(x[:, 0])).astype(np.int64)
    nothing = np.zeros((n, 0))
    straight = ArmData(1.0 + x[:, 0] - 1.5 * arms + rng.normal(size=n), arms, 2, x, nothing, nothing)
    curved = ArmData(np.exp(x[:, 0]) - 1.5 * arms + rng.normal(size=n), arms, 2, x, nothing, nothing)
    flat = Recipe("iptw_ate", observation_weights=False, method="aipw", ridge=1e6)
    right = Recipe("iptw_ate", observation_weights=False, method="aipw")
    wrong = Recipe("iptw_ate", observation_weights=False, method="g_computation")
    ones = np.ones((1, n))
    assert contrasts(estimated_means(straight, flat, ones))[0, 0] == pytest.approx(-1.5, abs=0.05)
    assert contrasts(estimated_means(curved, right, ones))[0, 0] == pytest.approx(-1.5, abs=0.15)
    assert abs(contrasts(estimated_means(curved, wrong, ones))[0, 0] + 1.5) > 0.03


def test_entropy_weights_reach_the_means_of_everybody():
    data = made_up()
    found = arm_weights(data, Recipe("entropy"), np.ones((1, 120)))
    weights = np.where(data.is_observed, found.balancing[0] / found.observed[0], 0.0)
    for arm in (0, 1):
        members = data.arms == arm
        means = weights[members] @ data.covariates[members] / weights[members].sum()
        np.testing.assert_allclose(means, data.covariates.mean(axis=0), atol=1e-7)


def test_bootstrap_is_the_same_for_any_number_of_workers_and_any_prefix():
    data = made_up()

    def statistic(frequencies):
        return contrasts(estimated_means(data, Recipe(), frequencies))

    told = []
    alone = bootstrap(statistic, 120, 2 * BLOCK + 7, 3, progress=lambda done, of: told.append((done, of)))
    assert told == [(100, 207), (200, 207), (207, 207)]
    assert np.array_equal(alone, bootstrap(statistic, 120, 2 * BLOCK + 7, 3, n_workers=4))
    assert np.array_equal(alone[: 2 * BLOCK], bootstrap(statistic, 120, 2 * BLOCK, 3))
    assert not np.array_equal(alone[:BLOCK], bootstrap(statistic, 120, BLOCK, 4))


def test_bootstrap_of_clinics_draws_clinics():
    units = np.repeat(np.arange(5), [3, 1, 4, 2, 5])
    counts = frequencies_of_block(1, 0, 20, 15, units)
    for clinic in range(5):
        assert (np.ptp(counts[:, units == clinic], axis=1) == 0).all()


def test_bootstrap_error_of_a_mean_is_the_plug_in_one():
    values = np.random.default_rng(8).normal(size=80)
    drawn = bootstrap(lambda f: (f @ values / f.sum(axis=1))[:, None], 80, 4000, 9)[:, 0]
    found = percentile_interval(drawn, 0.95)
    assert found.std_error == pytest.approx(values.std() / 80**0.5, rel=0.05)
    assert found.conf_low < values.mean() < found.conf_high


def test_overlap_coefficient_of_two_normals():
    rng = np.random.default_rng(1)
    scores = np.concatenate([rng.normal(size=4000), rng.normal(1.0, 1.0, size=4000)])
    found = overlap_coefficient(scores, np.arange(8000) < 4000)
    assert found == pytest.approx(0.6171, abs=0.02)  # 2 Phi(-1/2)


def test_cluster_robust_with_single_rows_is_hc2():
    data = made_up()
    design = np.column_stack([np.ones(120), data.arms, data.covariates])
    outcome = np.nan_to_num(data.outcome)
    found = cluster_robust(design, outcome, np.arange(120), np.eye(5)[1], conf_level=0.95)
    assert found.std_error == pytest.approx(sm.OLS(outcome, design).fit(cov_type="HC2").bse[1], rel=1e-9)


def test_wild_bootstrap_finds_what_is_there_and_not_what_is_not():
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(12), 15)
    exposed = (clusters % 2).astype(float)
    design = np.column_stack([np.ones(180), exposed])
    noise = rng.normal(size=12)[clusters] * 0.3 + rng.normal(size=180)
    nothing = wild_cluster_test(design, noise, clusters, 1, np.random.default_rng(1))
    something = wild_cluster_test(design, noise + 2.0 * exposed, clusters, 1, np.random.default_rng(1))
    assert something.p_value < 0.01 < nothing.p_value
    crude = sm.OLS(noise, design).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    assert nothing.statistic == pytest.approx(crude.tvalues[1], rel=1e-9)
    few = wild_cluster_test(design[:90], noise[:90], clusters[:90], 1, np.random.default_rng(1))
    assert few.points == "Webb"
