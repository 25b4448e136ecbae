"""Differences of shares: Newcombe's printed examples, statsmodels, and the stacked equations by number."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from katoutcomes.kernels.shares.proportion_difference import share_difference
from katoutcomes.kernels.shares.proportions import share
from katoutcomes.kernels.shares.standardized_shares import standardized_shares

PRINTED = 5e-5
"""Four decimals."""
STATSMODELS = 1e-9
STEP = 1e-6
"""Of numerical derivatives; their error is about 1e-8."""

# Newcombe 1998, table II, method 10.
NEWCOMBE = [
    ((56, 70, 48, 80), (0.0524, 0.3339)),
    ((9, 10, 3, 10), (0.1705, 0.8090)),
    ((6, 7, 2, 7), (0.0582, 0.8062)),
    ((5, 56, 0, 29), (-0.0381, 0.1926)),
    ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ((0, 10, 0, 10), (-0.2775, 0.2775)),
    ((10, 10, 0, 20), (0.6791, 1.0000)),
    ((10, 10, 0, 10), (0.6075, 1.0000)),
]


@pytest.mark.parametrize(("counts", "limits"), NEWCOMBE)
def test_the_examples_of_newcombe(counts, limits):
    found = share_difference(*counts, conf_level=0.95, interval="wilson")
    assert (found.conf_low, found.conf_high) == pytest.approx(limits, abs=PRINTED)


@pytest.mark.parametrize("counts", [(7, 31, 3, 44), (0, 12, 5, 9), (30, 30, 29, 30)])
def test_newcombe_as_statsmodels_has_it(counts):
    from statsmodels.stats.proportion import confint_proportions_2indep

    found = share_difference(*counts, conf_level=0.9, interval="wilson")
    limits = confint_proportions_2indep(*counts, method="newcomb", compare="diff", alpha=0.1)
    assert (found.conf_low, found.conf_high) == pytest.approx(limits, abs=STATSMODELS)


@pytest.mark.parametrize("counts", [(7, 31, 3, 44), (0, 12, 5, 9), (30, 30, 29, 30), (0, 10, 0, 10)])
def test_by_default_the_limits_are_made_of_exact_ones(counts):
    """Distances from binom.test's limits, squared and added; swapping the groups turns the signs."""
    from scipy.stats import binomtest

    one, other = (binomtest(*pair).proportion_ci(0.9, method="exact") for pair in (counts[:2], counts[2:]))
    shares = counts[0] / counts[1], counts[2] / counts[3]
    low = shares[0] - shares[1] - np.hypot(shares[0] - one.low, other.high - shares[1])
    high = shares[0] - shares[1] + np.hypot(one.high - shares[0], shares[1] - other.low)
    found = share_difference(*counts, conf_level=0.9)
    assert (found.conf_low, found.conf_high) == pytest.approx((low, high), abs=STATSMODELS)
    assert share_difference(*counts[2:], *counts[:2], conf_level=0.9).conf_low == pytest.approx(-found.conf_high)


@pytest.mark.parametrize("counts", [(0, 10), (3, 10), (10, 10), (17, 250), (1, 1)])
def test_exact_limits_as_statsmodels_has_them(counts):
    from statsmodels.stats.proportion import proportion_confint

    found = share(*counts, 0.95, "exact")
    low, high = proportion_confint(*counts, method="beta")
    expected = (0.0 if counts[0] == 0 else low, 1.0 if counts[0] == counts[1] else high)
    assert (found.conf_low, found.conf_high) == pytest.approx(expected, abs=STATSMODELS)


def test_unknown_intervals_are_refused():
    with pytest.raises(ValueError, match="interval is one of"):
        share(1, 2, 0.95, "wald")


def made_up(n_patients=180, seed=5):
    rng = np.random.default_rng(seed)
    covariates = np.column_stack((rng.normal(16, 4, n_patients), rng.random(n_patients) < 0.4))
    treated = rng.random(n_patients) < 0.35 + 0.02 * (covariates[:, 0] - 16)
    chance = 1 / (1 + np.exp(-(0.8 * treated - 0.15 * (covariates[:, 0] - 16) + 0.5 * covariates[:, 1] - 0.4)))
    return rng.random(n_patients) < chance, treated, covariates


def stacked_sandwich(event, treated, covariates):
    """Estimates by statsmodels, variance by numerical differentiation of all estimating equations at once."""
    import statsmodels.api as sm

    design = np.column_stack((np.ones(len(event)), treated, covariates))
    coefficients = sm.GLM(event.astype(float), design, family=sm.families.Binomial()).fit(tol=1e-14).params

    def predicted(values, level):
        counterfactual = design.copy()
        counterfactual[:, 1] = level
        return 1 / (1 + np.exp(-counterfactual @ values))

    def equations(values):
        residual = event - 1 / (1 + np.exp(-design @ values[:4]))
        rest = [predicted(values[:4], level) - share for level, share in zip((1.0, 0.0), values[4:], strict=True)]
        return np.column_stack((design * residual[:, None], *rest))

    values = np.append(coefficients, [predicted(coefficients, level).mean() for level in (1.0, 0.0)])
    bread = np.array([approx_fprime(values, lambda at, k=k: equations(at)[:, k].sum(), STEP) for k in range(6)])
    meat = equations(values).T @ equations(values)
    covariance = np.linalg.solve(bread, meat) @ np.linalg.inv(bread).T * len(event) / (len(event) - 4)
    return values[4:], covariance[4:, 4:]


def test_standardized_shares_against_the_stacked_equations():
    data = made_up()
    found = standardized_shares(*data, 0.95)
    (one, other), covariance = stacked_sandwich(*data)
    assert (found.treatment.estimate, found.comparator.estimate) == pytest.approx((one, other), abs=1e-8)
    assert found.difference.estimate == pytest.approx(one - other, abs=1e-8)
    assert found.treatment.std_error**2 == pytest.approx(covariance[0, 0], rel=1e-4)
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert found.difference.std_error**2 == pytest.approx(variance, rel=1e-4)
    for part in (found.treatment, found.comparator, found.difference):
        assert part.conf_low < part.estimate < part.conf_high
    width = found.difference.conf_high - found.difference.conf_low
    assert width == pytest.approx(2 * 1.96 * found.difference.std_error, rel=0.02)


def test_without_covariates_it_is_the_plain_difference():
    event, treated, _ = made_up()
    found = standardized_shares(event, treated, np.empty((len(event), 0)), 0.95)
    assert found.treatment.estimate == pytest.approx(event[treated].mean(), abs=1e-10)
    assert found.difference.estimate == pytest.approx(event[treated].mean() - event[~treated].mean(), abs=1e-10)


def test_swapping_the_cohorts_turns_the_sign():
    event, treated, covariates = made_up()
    forth, back = (standardized_shares(event, who, covariates, 0.95).difference for who in (treated, ~treated))
    assert (back.estimate, back.conf_low) == pytest.approx((-forth.estimate, -forth.conf_high), abs=1e-10)


@pytest.mark.parametrize("who", ["nobody of a cohort", "told by a covariate", "dependent covariates"])
def test_where_the_model_has_no_maximum(who):
    event, treated, covariates = made_up()
    if who == "nobody of a cohort":
        event = event & ~treated
    elif who == "told by a covariate":
        event = covariates[:, 0] > 16
    else:
        covariates = np.column_stack((covariates, covariates[:, 0] * 2))
    with pytest.raises(ValueError, match="exactly who has the event"):
        standardized_shares(event, treated, covariates, 0.95)
