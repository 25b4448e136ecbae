"""Summaries: hand cases, a slow quantile, and what happens with one value, no value and values that do not vary."""

import math

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.summaries import mean_and_sd, mean_interval, summarize

ROUNDING = 1e-12
"""Closed formulas: agreement to rounding."""


def slow_quantile(values, share):
    """Type 7 by its definition: position 1 + (n − 1) share in the sorted values, interpolated linearly."""
    ordered = sorted(values)
    position = (len(ordered) - 1) * share
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def test_by_hand():
    """2, 4, 4, 5, 10: mean 5, squares 9 + 1 + 1 + 0 + 25 = 36, variance 9."""
    found = summarize(np.array([4.0, 2.0, np.nan, 10.0, 4.0, 5.0]))
    assert (found.n_values, found.mean, found.sd) == (5, 5.0, 3.0)
    assert (found.lower_quartile, found.median, found.upper_quartile) == (4.0, 4.0, 5.0)


@pytest.mark.parametrize("n_values", [1, 2, 3, 4, 7, 50])
def test_quartiles_against_the_definition(n_values):
    values = np.random.default_rng(5).normal(40, 12, n_values)
    found = summarize(values)
    for share, quantile in ((0.25, found.lower_quartile), (0.5, found.median), (0.75, found.upper_quartile)):
        assert quantile == pytest.approx(slow_quantile(values, share), rel=ROUNDING)


def test_nothing_known():
    found = summarize(np.array([np.nan, np.nan]))
    assert found.n_values == 0
    numbers = (found.mean, found.sd, found.median, found.lower_quartile, found.upper_quartile)
    assert all(math.isnan(number) for number in numbers)


def test_one_value():
    found = summarize(np.array([7.0]))
    assert (found.n_values, found.mean, found.median, found.lower_quartile) == (1, 7.0, 7.0, 7.0)
    assert math.isnan(found.sd)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9 / 3, 1e-300])
@pytest.mark.parametrize("n_values", [2, 3, 10])
def test_equal_values_have_exactly_no_spread(value, n_values):
    assert mean_and_sd(np.full(n_values, value)) == (value, 0.0)


def test_mean_interval_by_hand():
    """1, 2, 3: standard error 1/√3, and with 2 degrees of freedom t at p is (2p − 1)/√(2p(1 − p))."""
    found = mean_interval(np.array([1.0, 2.0, np.nan, 3.0]), 0.95)
    assert (found.n_values, found.estimate, found.sd, found.df) == (3, 2.0, 1.0, 2.0)
    assert found.std_error == pytest.approx(1 / math.sqrt(3), rel=ROUNDING)
    reach = 0.95 / math.sqrt(2 * 0.975 * 0.025) / math.sqrt(3)
    assert (found.conf_low, found.conf_high) == pytest.approx((2 - reach, 2 + reach), rel=ROUNDING)


@pytest.mark.parametrize("conf_level", [0.5, 0.9, 0.99])
def test_mean_interval_against_scipy(conf_level):
    values = np.random.default_rng(6).gamma(2.0, 5.0, 31)
    found = mean_interval(values, conf_level)
    peer = stats.ttest_1samp(values, 0.0).confidence_interval(conf_level)
    assert (found.conf_low, found.conf_high) == pytest.approx((peer.low, peer.high), rel=ROUNDING)


def test_mean_interval_of_one_value_is_the_value_alone():
    found = mean_interval(np.array([7.0]), 0.95)
    assert (found.n_values, found.estimate) == (1, 7.0)
    others = (found.sd, found.std_error, found.df, found.conf_low, found.conf_high)
    assert all(math.isnan(number) for number in others)


def test_mean_interval_of_equal_values_has_no_limits():
    found = mean_interval(np.array([0.1, 0.1, 0.1]), 0.95)
    assert (found.estimate, found.sd, found.std_error, found.df) == (0.1, 0.0, 0.0, 2.0)
    assert math.isnan(found.conf_low)
    assert math.isnan(found.conf_high)


def test_refuses_a_level_outside_its_range():
    with pytest.raises(ValueError, match="conf_level"):
        mean_interval(np.array([1.0, 2.0]), 95)
