"""Simultaneous intervals: quantiles known from normal theory, and that all of them hold together as often as said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from katoutcomes.kernels.groups.simultaneous_intervals import simultaneous_intervals

DRAWS = 200_000
# The error of a quantile of so many draws is about 0.004; three of them.
TOLERANCE = 0.012


@pytest.mark.parametrize("n_numbers", [1, 2, 5])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_independent_numbers_have_the_quantile_of_normal_theory(n_numbers, level):
    replicates = np.random.default_rng(n_numbers).normal(size=(DRAWS, n_numbers)) * np.arange(1, n_numbers + 1)
    found = simultaneous_intervals(np.zeros(n_numbers), replicates, level)
    # All of m independent numbers lie inside with probability level where each does with its m-th root (Sidak).
    assert found.critical_value == pytest.approx(norm.ppf(0.5 + 0.5 * level ** (1.0 / n_numbers)), abs=TOLERANCE)
    assert found.std_error == pytest.approx(np.arange(1, n_numbers + 1), rel=0.01)
    assert found.conf_high == pytest.approx(found.critical_value * found.std_error, abs=1e-12)


def test_numbers_that_are_one_have_the_quantile_of_one():
    one = np.random.default_rng(3).normal(size=(DRAWS, 1))
    found = simultaneous_intervals(np.zeros(3), one * np.array([1.0, -2.0, 0.5]), 0.95)
    assert found.critical_value == pytest.approx(norm.ppf(0.975), abs=TOLERANCE)


def test_a_shared_comparator_lies_between():
    """Two arms against one comparator, all of one size: the differences have a correlation of one half."""
    arms = np.random.default_rng(4).normal(size=(DRAWS, 3))
    found = simultaneous_intervals(np.zeros(2), arms[:, 1:] - arms[:, :1], 0.95)
    c = found.critical_value
    both = multivariate_normal(cov=[[1.0, 0.5], [0.5, 1.0]])
    inside = both.cdf([c, c], lower_limit=[-c, -c])
    assert inside == pytest.approx(0.95, abs=0.002)
    assert norm.ppf(0.975) < c < norm.ppf(1.0 - 0.0125)


def test_adjusted_p_values_are_those_of_the_largest_of_all():
    replicates = np.random.default_rng(5).normal(size=(DRAWS, 2)) + np.array([2.5, 0.5])
    found = simultaneous_intervals(np.array([2.5, 0.5]), replicates, 0.95)
    expected = [1.0 - (2.0 * norm.cdf(size) - 1.0) ** 2 for size in (2.5, 0.5)]
    assert found.p_value == pytest.approx(expected, abs=0.005)
    assert (found.p_value < 0.05).tolist() == (found.conf_low > 0.0).tolist()


def test_resamples_that_lack_a_number_are_left_out():
    replicates = np.random.default_rng(6).normal(size=(50, 2))
    holes = np.vstack([replicates, [[np.nan, 9.0], [9.0, np.nan]]])
    whole, rest = (simultaneous_intervals(np.zeros(2), one, 0.95) for one in (replicates, holes))
    assert whole.critical_value == rest.critical_value
    assert np.isnan(simultaneous_intervals(np.zeros(2), holes[50:], 0.95).conf_low).all()


def test_three_correlated_numbers_have_the_quantile_of_mvtnorm():
    """mvtnorm 1.1-3 (R 4.2): qmvnorm(level, corr = , tail = "both.tails"); 1 - pmvnorm(-t, t, corr = ) for p."""
    correlation = np.array([[1.0, 0.7, 0.3], [0.7, 1.0, 0.5], [0.3, 0.5, 1.0]])
    estimates = np.array([2.4, 1.1, 2.0])
    draws = np.random.default_rng(7).multivariate_normal(estimates, correlation, size=DRAWS)
    for level, expected in ((0.9, 2.051045), (0.95, 2.338927)):
        assert simultaneous_intervals(estimates, draws, level).critical_value == pytest.approx(expected, abs=TOLERANCE)
    found = simultaneous_intervals(estimates, draws, 0.95).p_value
    # The error of a share of so many draws is at most 0.0011; three of them.
    assert found == pytest.approx([0.042711, 0.541376, 0.112092], abs=0.0035)
