"""Paired change: hand case, identities between its numbers, small and constant data."""

import math

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.change.paired_change import paired_change
from katoutcomes.kernels.change.paired_effects import PairedEffect, PairMoments, paired_effect

ROUNDING = 1e-12
"""Closed formulas: agreement to rounding."""

BEFORE = np.array([20.0, 18.0, 25.0, 11.0, 16.0, 23.0])
AFTER = np.array([10.0, 12.0, 20.0, 13.0, 9.0, 14.0])
"""Changes −10, −6, −5, 2, −7, −9: mean −35/6; squares 295, so the variance is (295 − 1225/6)/5 = 545/30."""


def is_undefined(effect):
    return all(math.isnan(number) for number in (effect.estimate, effect.std_error, effect.conf_low, effect.conf_high))


def test_by_hand():
    found = paired_change(BEFORE, AFTER, 0.95)
    variance, n_pairs = 545 / 30, 6
    assert found.n_pairs == n_pairs
    assert found.change.estimate == pytest.approx(-35 / 6, rel=ROUNDING)
    assert found.change.sd == pytest.approx(math.sqrt(variance), rel=ROUNDING)
    assert found.statistic == pytest.approx(-35 / 6 / math.sqrt(variance / n_pairs), rel=ROUNDING)
    assert found.change.df == 5.0
    # Baseline: sum 113, squares 2255; follow-up: sum 78, squares 1090; products 1525.
    variance_before, variance_after = (2255 - 113**2 / 6) / 5, (1090 - 78**2 / 6) / 5
    covariance = (1525 - 113 * 78 / 6) / 5
    assert found.correlation == pytest.approx(covariance / math.sqrt(variance_before * variance_after), rel=ROUNDING)
    assert found.d_av.estimate == pytest.approx(
        -35 / 6 / math.sqrt((variance_before + variance_after) / 2), rel=ROUNDING
    )


def test_identities():
    found = paired_change(BEFORE, AFTER, 0.9)
    n_pairs = found.n_pairs
    assert found.d_z.estimate == pytest.approx(found.statistic / math.sqrt(n_pairs), rel=ROUNDING)
    assert found.change.estimate == pytest.approx(found.follow_up.estimate - found.baseline.estimate, rel=ROUNDING)
    assert found.change.sd**2 == pytest.approx(
        found.baseline.sd**2 + found.follow_up.sd**2 - 2 * found.correlation * found.baseline.sd * found.follow_up.sd,
        rel=ROUNDING,
    )
    ratio = found.change.sd / math.sqrt((found.baseline.sd**2 + found.follow_up.sd**2) / 2)
    assert found.d_av.estimate == pytest.approx(found.d_z.estimate * ratio, rel=ROUNDING)


@pytest.mark.parametrize("conf_level", [0.8, 0.95])
def test_against_scipy(conf_level):
    found = paired_change(BEFORE, AFTER, conf_level)
    peer = stats.ttest_rel(AFTER, BEFORE)
    interval = peer.confidence_interval(conf_level)
    assert (found.statistic, found.change.df) == pytest.approx((peer.statistic, peer.df), rel=ROUNDING)
    assert found.p_value == pytest.approx(peer.pvalue, rel=ROUNDING)
    assert (found.change.conf_low, found.change.conf_high) == pytest.approx((interval.low, interval.high), rel=ROUNDING)
    assert found.correlation == pytest.approx(stats.pearsonr(BEFORE, AFTER).statistic, rel=ROUNDING)


def test_who_lacks_a_score_is_left_out():
    before = np.append(BEFORE, [np.nan, 30.0, np.nan])
    after = np.append(AFTER, [5.0, np.nan, np.nan])
    assert paired_change(before, after, 0.95) == paired_change(BEFORE, AFTER, 0.95)


def test_a_tiny_p_value_is_not_zero():
    """t = −300 with 59 degrees of freedom: the density falls as t^−60, so p is about 1e-96."""
    noise = np.tile([-1.0, 1.0], 30)
    found = paired_change(np.full(60, 50.0), 50.0 - 300 / math.sqrt(59) + noise, 0.95)
    assert found.statistic == pytest.approx(-300, rel=ROUNDING)
    assert 0.0 < found.p_value == pytest.approx(2 * stats.t.sf(300, 59), rel=1e-9)
    assert found.p_value < 1e-90


def test_nobody():
    found = paired_change(np.array([np.nan, 3.0]), np.array([4.0, np.nan]), 0.95)
    assert found.n_pairs == 0
    numbers = (found.change.estimate, found.change.sd, found.correlation, found.statistic, found.p_value)
    assert all(math.isnan(number) for number in numbers)
    assert is_undefined(found.d_av)
    assert is_undefined(found.d_z)


def test_one_pair_has_a_change_and_nothing_else():
    found = paired_change(np.array([12.0]), np.array([5.0]), 0.95)
    assert (found.n_pairs, found.change.estimate) == (1, -7.0)
    numbers = (found.change.sd, found.change.conf_low, found.correlation, found.statistic, found.p_value)
    assert all(math.isnan(number) for number in numbers)
    assert is_undefined(found.d_av)
    assert is_undefined(found.d_z)


def test_two_pairs():
    """Changes −2 and −4: mean −3, SD √2, t = −3."""
    found = paired_change(np.array([10.0, 14.0]), np.array([8.0, 10.0]), 0.95)
    assert found.statistic == pytest.approx(-3.0, rel=ROUNDING)
    assert found.p_value == pytest.approx(2 * stats.t.sf(3, 1), rel=ROUNDING)
    assert found.correlation == pytest.approx(1.0, rel=ROUNDING)
    assert found.d_z.conf_low < found.d_z.estimate < found.d_z.conf_high
    assert found.d_av.conf_low < found.d_av.estimate < found.d_av.conf_high


@pytest.mark.parametrize("fall", [5.0, 0.1])
def test_everybody_changes_by_the_same(fall):
    """Also where rounding makes 12.3 − 12.2 and 1.1 − 1.0 two different numbers."""
    before = np.array([1.1, 12.3, 15.7, 20.2])
    found = paired_change(before, before - fall, 0.95)
    assert found.change.estimate == pytest.approx(-fall, rel=ROUNDING)
    assert (found.change.sd, found.change.std_error) == (0.0, 0.0)
    assert all(math.isnan(number) for number in (found.statistic, found.p_value, found.change.conf_low))
    assert is_undefined(found.d_z)
    assert found.correlation == pytest.approx(1.0, rel=ROUNDING)
    # s_d = 0 and s₀ = s₁: what is left of Bonett's variance is d²/(2 (n − 1)).
    assert found.d_av.estimate == pytest.approx(-fall / before.std(ddof=1), rel=ROUNDING)
    assert found.d_av.std_error == pytest.approx(abs(found.d_av.estimate) / math.sqrt(6), rel=ROUNDING)


def test_rounding_makes_no_correlation_above_one():
    """Here covariance over the product of the standard deviations is 1.0000000000000002."""
    before = np.array([8.0, 24.0, 11.0])
    assert paired_change(before, before, 0.95).correlation == 1.0
    assert paired_change(before, -before, 0.95).correlation == -1.0


def test_nobody_changes():
    before = np.array([10.0, 12.0, 15.0])
    found = paired_change(before, before, 0.95)
    assert (found.change.estimate, found.change.sd, found.d_av.estimate, found.d_av.std_error) == (0.0, 0.0, 0.0, 0.0)
    assert math.isnan(found.d_av.conf_low)
    assert is_undefined(found.d_z)


def test_a_constant_baseline_has_no_correlation():
    found = paired_change(np.full(4, 20.0), np.array([10.0, 12.0, 15.0, 9.0]), 0.95)
    assert math.isnan(found.correlation)
    assert found.d_z.estimate < 0.0
    # s₀ = 0, so s² = s₁²/2 and d_av = √2 mean / s₁.
    assert found.d_av.estimate == pytest.approx(math.sqrt(2) * found.change.estimate / found.follow_up.sd, rel=ROUNDING)


def test_both_constant():
    found = paired_change(np.full(4, 20.0), np.full(4, 15.0), 0.95)
    assert found.change.estimate == -5.0
    assert is_undefined(found.d_av)
    assert is_undefined(found.d_z)


def test_d_av_with_equal_variances_is_the_textbook_form():
    """With s₀ = s₁ Bonett's variance becomes d² (1 + r²)/(4 (n − 1)) + 2 (1 − r)/(n − 1)."""
    found = paired_effect("d_av", PairMoments(41, 20.0, -6.0, 25.0, 25.0, 20.0), 0.95)
    assert found.estimate == pytest.approx(-1.2, rel=ROUNDING)
    assert found.std_error**2 == pytest.approx(1.44 * 1.36 / 160 + 0.8 / 40, rel=ROUNDING)
    z = stats.norm.isf(0.025)
    assert (found.conf_low, found.conf_high) == pytest.approx(
        (-1.2 - z * found.std_error, -1.2 + z * found.std_error), rel=ROUNDING
    )


def test_d_z_interval_excludes_zero_exactly_where_the_test_rejects():
    for p_value in (0.0499, 0.0501):
        statistic = stats.t.isf(p_value / 2, 19)
        found = paired_effect("d_z", PairMoments(20, 15.0, statistic, 1.0, 1.0, 20.0), 0.95)
        assert (found.conf_low > 0.0) == (p_value < 0.05)


@pytest.mark.parametrize("n_pairs", [0, 1])
def test_too_few_pairs_for_a_standardized_change(n_pairs):
    found = paired_effect("d_z", PairMoments(n_pairs, 15.0, -3.0, 4.0, 4.0, 4.0), 0.95)
    assert isinstance(found, PairedEffect)
    assert is_undefined(found)


def test_refuses_arrays_of_different_length():
    with pytest.raises(ValueError, match="shape"):
        paired_change(np.zeros(3), np.zeros(4), 0.95)


def test_refuses_a_level_outside_its_range():
    with pytest.raises(ValueError, match="conf_level"):
        paired_change(BEFORE, AFTER, 1.0)
