"""What must hold of covariance adjustment and Welch's difference whatever the scores."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from katoutcomes.kernels.groups.covariance_adjustment import covariance_adjustment
from katoutcomes.kernels.groups.welch import welch_difference

TOLERANCE = 1e-8
"""Two fits of the same well-conditioned problem after a change of units; differences in the last digits only."""
FIELDS = ("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value")
seeds = st.integers(0, 10_000)


def trial(seed):
    rng = np.random.default_rng(seed)
    n_patients = int(rng.integers(20, 60))
    is_treatment = np.arange(n_patients) < rng.integers(6, n_patients - 6)
    covariates = np.column_stack((rng.integers(5, 28, n_patients), rng.integers(18, 80, n_patients))).astype(float)
    outcome = np.round(0.5 * covariates[:, 0] + rng.normal(0, 4, n_patients)) - 2.0 * is_treatment
    return outcome, is_treatment, covariates


def values(contrast):
    return [getattr(contrast, field) for field in FIELDS]


@given(seeds)
def test_exchanging_the_groups_exchanges_sign_and_limits(seed):
    outcome, is_treatment, covariates = trial(seed)
    forth = covariance_adjustment(outcome, is_treatment, covariates, 0.95)
    back = covariance_adjustment(outcome, ~is_treatment, covariates, 0.95)
    mirrored = [-forth.difference.estimate, -forth.difference.conf_high, -forth.difference.conf_low]
    found = [back.difference.estimate, back.difference.conf_low, back.difference.conf_high]
    assert found == pytest.approx(mirrored, rel=TOLERANCE, abs=TOLERANCE)
    assert back.difference.std_error == pytest.approx(forth.difference.std_error, rel=TOLERANCE)
    assert values(back.treatment_mean) == pytest.approx(values(forth.comparator_mean), rel=TOLERANCE)


@given(seeds)
def test_the_difference_is_that_of_the_adjusted_means(seed):
    adjusted = covariance_adjustment(*trial(seed), 0.95)
    difference = adjusted.treatment_mean.estimate - adjusted.comparator_mean.estimate
    assert adjusted.difference.estimate == pytest.approx(difference, rel=TOLERANCE, abs=TOLERANCE)


@given(seeds)
def test_adjusting_the_change_or_the_score_gives_the_same_difference(seed):
    """With the baseline score among the covariates, the model of the change is the model of the score."""
    outcome, is_treatment, covariates = trial(seed)
    of_score = covariance_adjustment(outcome, is_treatment, covariates, 0.95).difference
    of_change = covariance_adjustment(outcome - covariates[:, 0], is_treatment, covariates, 0.95).difference
    assert values(of_change) == pytest.approx(values(of_score), rel=TOLERANCE, abs=TOLERANCE)


@given(seeds, st.randoms(use_true_random=False))
def test_the_order_of_the_patients_does_not_matter(seed, random):
    outcome, is_treatment, covariates = trial(seed)
    order = np.array(random.sample(range(outcome.size), outcome.size))
    plain = covariance_adjustment(outcome, is_treatment, covariates, 0.95)
    mixed = covariance_adjustment(outcome[order], is_treatment[order], covariates[order], 0.95)
    assert values(mixed.difference) == pytest.approx(values(plain.difference), rel=TOLERANCE, abs=TOLERANCE)


@given(seeds, st.sampled_from([0.5, 2.0, 4.0]), st.integers(-50, 50))
def test_other_units_of_the_outcome_scale_the_difference(seed, factor, shift):
    outcome, is_treatment, covariates = trial(seed)
    plain = covariance_adjustment(outcome, is_treatment, covariates, 0.95).difference
    scaled = covariance_adjustment(factor * outcome + shift, is_treatment, covariates, 0.95).difference
    assert scaled.estimate == pytest.approx(factor * plain.estimate, rel=TOLERANCE, abs=TOLERANCE)
    assert scaled.std_error == pytest.approx(factor * plain.std_error, rel=TOLERANCE)
    assert scaled.p_value == pytest.approx(plain.p_value, rel=1e-6)


@given(seeds, st.floats(-1e6, 1e6), st.sampled_from([0.0, 0.5, 1 / 3]))
@example(32, 7.0, 0.0)
def test_a_perfect_fit_has_neither_standard_error_nor_p_value(seed, level, slope):
    """Whatever is left of the residuals is rounding, and nothing can be tested against rounding."""
    _, is_treatment, covariates = trial(seed)
    adjusted = covariance_adjustment(level + slope * covariates[:, 0], is_treatment, covariates, 0.95)
    size = 1.0 + abs(level) + slope * covariates[:, 0].max()
    assert adjusted.fit.status == "ok"
    assert adjusted.difference.estimate == pytest.approx(0.0, abs=1e-12 * size)
    assert adjusted.treatment_mean.estimate == pytest.approx(level + slope * covariates[:, 0].mean(), abs=1e-12 * size)
    for contrast in (adjusted.difference, adjusted.treatment_mean, adjusted.comparator_mean):
        assert np.isnan(values(contrast)[1:2] + values(contrast)[3:]).all()


@given(seeds, st.integers(6, 10))
def test_residuals_that_are_small_but_not_rounding_keep_their_standard_error(seed, digits):
    outcome, is_treatment, covariates = trial(seed)
    plain = covariance_adjustment(outcome, is_treatment, covariates, 0.95).difference
    small = covariance_adjustment(100.0 + outcome / 10**digits, is_treatment, covariates, 0.95).difference
    assert small.std_error * 10**digits == pytest.approx(plain.std_error, rel=10.0 ** (digits - 12))


@given(seeds)
def test_welch_is_antisymmetric_and_its_df_lie_between_the_smaller_group_and_both(seed):
    outcome, is_treatment, _ = trial(seed)
    forth = welch_difference(outcome[is_treatment], outcome[~is_treatment], 0.95)
    back = welch_difference(outcome[~is_treatment], outcome[is_treatment], 0.95)
    assert (back.estimate, back.conf_low, back.conf_high) == (-forth.estimate, -forth.conf_high, -forth.conf_low)
    assert (back.std_error, back.df, back.p_value) == pytest.approx((forth.std_error, forth.df, forth.p_value))
    smaller = min(forth.n_treatment, forth.n_comparator) - 1
    assert smaller - 1e-9 <= forth.df <= forth.n_treatment + forth.n_comparator - 2 + 1e-9
