"""Multiple imputation: against expectation maximization, against formulas, and against mice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from katoutcomes.kernels.missing.imputation import ScoresToImpute, fewest_scores, impute
from katoutcomes.kernels.missing.imputation_pooling import pool
from katoutcomes.kernels.missing.reference_based import draw_jump_to_reference

BTHEB = Path(__file__).parents[3] / "shared/reference/mmrm/BtheB_wide.csv"


def maximum_likelihood(design, scores, n_steps=3000):
    """Return means' coefficients and covariance by expectation maximization, a patient at a time: slow and plain."""
    n_patients, n_visits = scores.shape
    seen = ~np.isnan(scores)
    filled = np.where(seen, scores, np.nanmean(scores, axis=0))
    coefficients = np.linalg.lstsq(design, filled, rcond=None)[0]
    covariance = np.cov((filled - design @ coefficients).T).reshape(n_visits, n_visits)
    for _ in range(n_steps):
        means, extra = design @ coefficients, np.zeros_like(covariance)
        for row in range(n_patients):
            o, m = np.flatnonzero(seen[row]), np.flatnonzero(~seen[row])
            slopes = covariance[np.ix_(m, o)] @ np.linalg.pinv(covariance[np.ix_(o, o)])
            filled[row, m] = means[row, m] + slopes @ (scores[row, o] - means[row, o])
            extra[np.ix_(m, m)] += covariance[np.ix_(m, m)] - slopes @ covariance[np.ix_(o, m)]
        moved = np.linalg.lstsq(design, filled, rcond=None)[0]
        residuals = filled - design @ moved
        covariance = (residuals.T @ residuals + extra) / n_patients
        change, coefficients = np.abs(moved - coefficients).max(), moved
        if change < 1e-9:
            break
    return coefficients, covariance


def made_up(n_patients=400, with_gaps=True, seed=4):
    rng = np.random.default_rng(seed)
    arms = (rng.random(n_patients) < 0.5).astype(np.int64)
    covariate = rng.normal(size=(n_patients, 1))
    scores = 10.0 + covariate + rng.normal(0.0, 2.0, (n_patients, 1)) + rng.normal(0.0, 1.5, (n_patients, 3))
    scores[:, 2] -= 2.0 * arms
    last = np.where(scores[:, 0] > 11.0, rng.integers(1, 4, n_patients), 3)
    scores[np.arange(3) >= last[:, None]] = np.nan
    if with_gaps:
        scores[(rng.random(n_patients) < 0.3) & (last == 3), 1] = np.nan
    return ScoresToImpute(scores, arms, 2, covariate)


@pytest.mark.parametrize("with_gaps", [False, True])
def test_the_mean_of_many_imputations_is_maximum_likelihood(with_gaps):
    """The posterior means of the parameters are those of the likelihood but for terms of the order of 1/n."""
    data = made_up(with_gaps=with_gaps)
    m = 400
    found = impute(data, m, np.random.default_rng(2))
    coefficients, covariance = maximum_likelihood(found.design, data.scores)
    spread = found.draws.coefficients.std(axis=0) / m**0.5
    assert (np.abs(found.draws.coefficients.mean(axis=0) - coefficients) < 4.5 * spread + 0.01).all()
    # The draws of a variance have the mean of RSS / (df - 2), some 2 percent above the likelihood's.
    np.testing.assert_allclose(found.draws.covariance.mean(axis=0), covariance, rtol=0.08, atol=0.1)
    assert np.isnan(found.scale_reduction) != with_gaps
    assert not found.scale_reduction > 1.05
    seen = ~np.isnan(data.scores)
    assert (found.completed[:, seen] == data.scores[seen]).all()


def test_monotone_draws_have_the_posterior_of_each_regression():
    """Without gaps, the coefficients of the first visit are normal around least squares with the inflated variance."""
    data = made_up(with_gaps=False)
    found = impute(data, 2000, np.random.default_rng(3))
    design, first = found.design, data.scores[:, 0]
    precision = design.T @ design + np.diag([0.0, 0.0, 1.0])
    center = np.linalg.solve(precision, design.T @ first)
    df = len(first) - 3.0
    variance = ((first - design @ center) ** 2).sum() / (df - 2.0) * np.linalg.inv(precision)
    draws = found.draws.coefficients[:, :, 0]
    assert (np.abs(draws.mean(axis=0) - center) < 4.0 * np.sqrt(np.diag(variance) / 2000)).all()
    np.testing.assert_allclose(np.cov(draws.T), variance, rtol=0.15, atol=0.1 * variance.max())


def test_draws_are_the_same_again_and_others_with_another_seed():
    data = made_up(60)
    one, two, other = (impute(data, 5, np.random.default_rng(seed)).completed for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_too_few_scores_are_named_before_anything_is_drawn():
    data = made_up(12)
    short = ScoresToImpute(data.scores, data.arms, 2, np.random.default_rng(1).normal(size=(12, 8)))
    assert (fewest_scores(short) < 1).any()
    with pytest.raises(ValueError, match="too few scores"):
        impute(short, 2, np.random.default_rng(1))


def test_what_nobody_tells_is_left_to_the_prior():
    """A covariate that varies among nobody who is scored has no estimate; its draws must stay of the scores' size."""
    data = made_up(100, with_gaps=False)
    never_scored = np.isnan(data.scores[:, 2]) * 1.0
    wide = ScoresToImpute(data.scores, data.arms, 2, np.column_stack([data.covariates, never_scored]))
    completed = impute(wide, 50, np.random.default_rng(1)).completed
    assert np.isfinite(completed).all()
    assert np.abs(completed).max() < 60.0


# --- jump to reference -----------------------------------------------------------------------------------------------


def left_care(data):
    """Who had left before each visit: all that is missing after the last score."""
    seen = ~np.isnan(data.scores)
    return ~np.logical_or.accumulate(seen[:, ::-1], axis=1)[:, ::-1]


def test_jump_to_reference_is_the_conditional_mean_a_patient_at_a_time():
    data = made_up(80)
    found = impute(data, 3, np.random.default_rng(5))
    left = left_care(data)
    jumped = draw_jump_to_reference(data, found, left, np.zeros)
    for number in range(3):
        coefficients, covariance = found.draws.coefficients[number], found.draws.covariance[number]
        for row in range(80):
            reference = found.design[row].copy()
            reference[:2] = 1.0, 0.0
            mean = np.where(left[row], reference @ coefficients, found.design[row] @ coefficients)
            o, m = np.flatnonzero(~np.isnan(data.scores[row])), np.flatnonzero(np.isnan(data.scores[row]))
            slopes = covariance[np.ix_(m, o)] @ np.linalg.pinv(covariance[np.ix_(o, o)])
            np.testing.assert_allclose(
                jumped[number, row, m], mean[m] + slopes @ (data.scores[row, o] - mean[o]), rtol=1e-8
            )


def test_jump_to_reference_keeps_the_share_of_the_effect_of_those_who_stayed():
    """With one visit the difference of the completed means is (1 - share who left) times that of the model."""
    data = made_up(300, with_gaps=False)
    one = ScoresToImpute(data.scores[:, 2:], data.arms, 2, np.empty((300, 0)))
    found = impute(one, 4, np.random.default_rng(5))
    jumped = draw_jump_to_reference(one, found, np.isnan(one.scores), np.zeros)[:, :, 0]
    reference = found.draws.coefficients[:, 0, 0]
    treated, left = data.arms == 1, np.isnan(one.scores[:, 0])
    stayed = 1.0 - left[treated].mean()
    seen_mean = one.scores[treated & ~left, 0].mean()
    np.testing.assert_allclose(
        jumped[:, treated].mean(axis=1) - reference, stayed * (seen_mean - reference), rtol=1e-10
    )


# --- another program -------------------------------------------------------------------------------------------------

MICE = {
    ("monotone", 3): (
        (4000, -1.2077678646, 3.54471476356, 2.2196631472),
        (4000, 0.487730803, 0.007227540, 0.007507354),
    ),
    ("gaps", 3): ((1000, -1.3096954241, 3.417943316689, 2.255128876250), (1000, 0.473961059, 0.006969058, 0.007292118)),
    ("gaps", 1): ((1000, -1.7069960816, 4.467545055673, 2.299486651485), (1000, 0.716910893, 0.009109157, 0.004577265)),
}
"""Estimate, variance inside and between imputations of treatment and baseline, by mice 3.15.0 in R 4.2:

    d <- data.frame(arm = treatment == "BtheB", pre = bdi.pre, drug = drug == "Yes", m2, m3, m5, m8)
    mice(d, m = 4000, method = "norm", visitSequence = c("m2", "m3", "m5", "m8"), maxit = 1, seed = 20261122)

each visit predicted by arm, pre, drug and the visits before; pool(with(., lm(m8 ~ arm + pre + drug))). With gaps: every
third completer loses m3, all variables predict each other, m = 1000, maxit = 30.
"""


@pytest.mark.shared
@pytest.mark.skipif(not BTHEB.exists(), reason="reference data are not here")
@pytest.mark.parametrize(("kind", "visit"), MICE)
def test_pooled_estimates_are_those_of_mice(kind, visit):
    frame = pd.read_csv(BTHEB)
    arms = (frame["treatment"] == "BtheB").to_numpy().astype(np.int64)
    covariates = np.column_stack([frame["bdi.pre"], frame["drug"] == "Yes"]).astype(np.float64)
    scores = frame[["bdi.2m", "bdi.3m", "bdi.5m", "bdi.8m"]].to_numpy(np.float64)
    if kind == "gaps":
        scores[np.flatnonzero(~np.isnan(scores[:, 3]))[::3], 1] = np.nan
    m = 2000
    completed = impute(ScoresToImpute(scores, arms, 2, covariates), m, np.random.default_rng(1)).completed[:, :, visit]
    design = np.column_stack([np.ones(len(arms)), arms, covariates])
    inverse = np.linalg.inv(design.T @ design)
    coefficients = completed @ design @ inverse
    variances = ((completed - coefficients @ design.T) ** 2).sum(axis=1) / 96.0
    for column, (m_mice, estimate, within, between) in enumerate(MICE[kind, visit], start=1):
        found = pool(coefficients[:, column], variances * inverse[column, column], 96.0, 0.95)
        error = (between / m + between / m_mice) ** 0.5
        assert abs(found.estimate - estimate) < 3.5 * error
        assert found.within_variance == pytest.approx(within, rel=0.03)
        # The variance of a variance from m draws is 2/m; one patient's worth of prior takes another percent.
        assert found.between_variance == pytest.approx(between, rel=3.5 * (2.0 / m + 2.0 / m_mice) ** 0.5 + 0.02)
