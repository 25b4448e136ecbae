"""Welch's difference: hand case, SciPy as second opinion, and the cases without an interval."""

import math

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.groups.welch import welch_difference

ROUNDING = 1e-12
"""Closed formulas: agreement to rounding."""
QUANTILE = 1e-10
"""Two routines for the quantile of t."""


def test_by_hand():
    """Means 2 and 5; s²/n = 1/3 and (20/3)/4 = 5/3; SE² = 2; df = 4 / ((1/9)/2 + (25/9)/3) = 216/53."""
    welch = welch_difference(np.array([1.0, 2, 3]), np.array([2.0, 4, 6, 8]), conf_level=0.95)
    assert welch.estimate == -3.0
    assert welch.std_error == pytest.approx(math.sqrt(2), rel=ROUNDING)
    assert welch.df == pytest.approx(216 / 53, rel=ROUNDING)
    assert welch.statistic == pytest.approx(-3 / math.sqrt(2), rel=ROUNDING)
    assert (welch.n_treatment, welch.n_comparator) == (3, 4)


@pytest.mark.parametrize("conf_level", [0.5, 0.9, 0.95, 0.999])
def test_against_scipy(conf_level):
    rng = np.random.default_rng(20260930)
    treatment, comparator = rng.normal(10, 2, 17), rng.normal(12, 9, 41)
    welch = welch_difference(treatment, comparator, conf_level)
    peer = stats.ttest_ind(treatment, comparator, equal_var=False)
    interval = peer.confidence_interval(conf_level)
    assert welch.df == pytest.approx(peer.df, rel=ROUNDING)
    assert welch.statistic == pytest.approx(peer.statistic, rel=ROUNDING)
    assert welch.p_value == pytest.approx(peer.pvalue, rel=QUANTILE)
    assert (welch.conf_low, welch.conf_high) == pytest.approx((interval.low, interval.high), rel=QUANTILE)


def test_one_patient_in_a_group_gives_nothing():
    welch = welch_difference(np.array([1.0]), np.array([2.0, 4.0]), conf_level=0.95)
    assert math.isnan(welch.estimate)
    assert math.isnan(welch.p_value)
    assert (welch.n_treatment, welch.n_comparator) == (1, 2)


def test_no_variation_gives_the_difference_alone():
    welch = welch_difference(np.array([1.0, 1.0]), np.array([4.0, 4.0]), conf_level=0.95)
    assert welch.estimate == -3.0
    assert all(math.isnan(value) for value in (welch.std_error, welch.df, welch.conf_low, welch.statistic))


def test_variation_that_is_only_rounding_is_none():
    """8.7 - 2.7 and 6.3 - 0.3 are both a change of 6, and not the same double."""
    change = np.array([2.7, 0.3]) - np.array([8.7, 6.3])
    assert change[0] != change[1]
    welch = welch_difference(change, change - 1.0, conf_level=0.95, size=8.7)
    assert welch.estimate == pytest.approx(1.0, rel=ROUNDING)
    assert all(math.isnan(value) for value in (welch.std_error, welch.df, welch.conf_low, welch.p_value))


def test_refuses_a_level_outside_its_range():
    with pytest.raises(ValueError, match="conf_level"):
        welch_difference(np.array([1.0, 2.0]), np.array([4.0, 5.0]), conf_level=95)
