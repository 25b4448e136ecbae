"""Tests from summaries give what the same tests give of the scores, and rounding never leaves the truth outside."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from katoutcomes.kernels.summary_statistics import (
    Allowed,
    allowed,
    implied_correlation,
    is_possible_sd,
    one_mean,
    paired_effects,
    sd_from_limits,
    sd_from_p,
    sd_from_t,
    sd_of_change,
    small_sample_factor,
    two_by_two,
    two_means,
    whole_sums,
)

BEFORE = np.array([18.0, 22.0, 15.0, 11.0, 24.0, 19.0, 20.0, 13.0])
AFTER = np.array([12.0, 19.0, 9.0, 12.0, 15.0, 17.0, 11.0, 6.0])
EXACT = 1e-12  # the same arithmetic in another order


def summary(values):
    return tuple(np.array(number) for number in (float(len(values)), values.mean(), values.std(ddof=1)))


def test_one_mean_is_the_paired_t_test():
    found = one_mean(*summary(AFTER - BEFORE), 0.95)
    test = stats.ttest_rel(AFTER, BEFORE)
    limits = test.confidence_interval(0.95)
    assert found["t"] == pytest.approx(test.statistic, rel=EXACT)
    assert found["p"] == pytest.approx(test.pvalue, rel=EXACT)
    assert found["df"] == test.df
    assert (found["conf_low"], found["conf_high"]) == pytest.approx((limits.low, limits.high), rel=EXACT)
    assert found["std_error"] == pytest.approx(stats.sem(AFTER - BEFORE), rel=EXACT)
    assert found["d_z"] == pytest.approx(test.statistic / math.sqrt(8), rel=EXACT)
    j_of_7 = 15 * math.sqrt(math.pi) / (16 * math.sqrt(3.5))  # Γ(7/2) = 15 √π / 8, Γ(3) = 2
    assert found["g_z"] == pytest.approx(found["d_z"] * j_of_7, rel=EXACT)


@pytest.mark.parametrize(("name", "is_pooled"), [("pooled", True), ("welch", False)])
def test_two_means_are_the_two_t_tests(name, is_pooled):
    one, other = summary(BEFORE), summary(AFTER[:5])
    found = two_means(one, other, 0.9)[name]
    test = stats.ttest_ind(BEFORE, AFTER[:5], equal_var=is_pooled)
    limits = test.confidence_interval(0.9)
    assert found["estimate"] == pytest.approx(BEFORE.mean() - AFTER[:5].mean(), rel=EXACT)
    assert found["t"] == pytest.approx(test.statistic, rel=EXACT)
    assert found["p"] == pytest.approx(test.pvalue, rel=EXACT)
    assert found["df"] == pytest.approx(test.df, rel=EXACT)
    assert (found["conf_low"], found["conf_high"]) == pytest.approx((limits.low, limits.high), rel=EXACT)
    assert found["std_error"] == pytest.approx(found["estimate"] / test.statistic, rel=EXACT)


def test_effects_of_two_means_by_hand():
    found = two_means(*(tuple(map(np.array, group)) for group in ((3.0, 5.0, 1.0), (5.0, 2.0, 2.0))), 0.95)
    # Pooled variance (2 * 1 + 4 * 4) / 6 = 3.
    assert found["pooled"]["d"] == pytest.approx(3 / math.sqrt(3), rel=EXACT)
    assert found["pooled"]["delta"] == pytest.approx(1.5, rel=EXACT)
    assert found["pooled"]["g"] == pytest.approx(3 / math.sqrt(3) * 0.8686, rel=1e-4)  # J(6): .8686
    assert found["welch"]["d_rms"] == pytest.approx(3 / math.sqrt(2.5), rel=EXACT)


def test_small_sample_factor_is_near_its_approximation():
    df = np.array([5.0, 20.0, 100.0, 10_000.0])
    assert small_sample_factor(df) == pytest.approx(1 - 3 / (4 * df - 1), abs=2e-3)


def test_what_the_spread_of_changes_follows_from():
    n, mean, sd = summary(AFTER - BEFORE)
    found = one_mean(n, mean, sd, 0.95)
    assert sd_from_limits(n, found["conf_low"], found["conf_high"], 0.95) == pytest.approx(sd, rel=EXACT)
    assert sd_from_t(n, mean, found["t"]) == pytest.approx(sd, rel=EXACT)
    assert sd_from_p(n, mean, found["p"]) == pytest.approx(sd, rel=1e-9)  # the p-value is inverted numerically
    correlation = np.corrcoef(BEFORE, AFTER)[0, 1]
    sds = BEFORE.std(ddof=1), AFTER.std(ddof=1)
    assert sd_of_change(*sds, correlation) == pytest.approx(sd, rel=EXACT)
    assert implied_correlation(*sds, sd) == pytest.approx(correlation, rel=EXACT)


def test_paired_effects_by_hand():
    found = paired_effects(np.array(-4.0), np.array(1.0), np.array(7.0))
    assert (float(found["d_av"]), float(found["delta_pre"])) == (-0.8, -4.0)


@pytest.mark.parametrize("table", [(13, 26, 6, 27), (15, 42, 5, 42), (1, 9, 7, 8)])
def test_two_by_two_is_what_scipy_says(table):
    counted_1, n_1, counted_0, n_0 = table
    cells = np.array([[counted_1, n_1 - counted_1], [counted_0, n_0 - counted_0]])
    found = two_by_two(*table)
    assert found.p_chi_squared == pytest.approx(stats.chi2_contingency(cells, correction=False).pvalue, rel=1e-9)
    assert found.p_yates == pytest.approx(stats.chi2_contingency(cells).pvalue, rel=1e-9)
    assert found.p_fisher == pytest.approx(stats.fisher_exact(cells).pvalue, rel=EXACT)
    assert found.difference == pytest.approx(counted_1 / n_1 - counted_0 / n_0, rel=EXACT)


def test_two_by_two_without_anybody_counted():
    found = two_by_two(0, 5, 0, 6)
    assert found.p_fisher == 1.0
    assert math.isnan(found.p_chi_squared)
    assert math.isnan(found.p_yates)


def test_a_quantity_that_nothing_gives_is_nan():
    found = allowed(lambda x: {"root": np.sqrt(x)}, [Allowed(-3.0, -2.0, -1.0)])["root"]
    assert math.isnan(found.value)


@given(
    st.lists(st.integers(0, 27), min_size=3, max_size=40).filter(lambda values: len(set(values)) > 1),
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_rounding_never_leaves_the_truth_outside(scores, digits):
    values = np.array(scores, dtype=float)
    n, mean, sd = summary(values)
    half = 0.5 * 10.0**-digits
    printed = [round(float(number), digits) for number in (mean, sd)]
    inputs = [Allowed(float(n), float(n), float(n))]
    inputs += [Allowed(number - half, number, number + half) for number in printed]
    truth = one_mean(n, mean, sd, 0.95)
    for name, one in allowed(lambda *numbers: one_mean(*numbers, 0.95), inputs).items():
        slack = 1e-9 * max(1.0, abs(float(truth[name])))
        # Where the SD may be 0 the statistic has no end.
        if inputs[2].low > 0:
            assert one.low - slack <= float(truth[name]) <= one.high + slack, name


@given(st.lists(st.integers(0, 63), min_size=2, max_size=60), st.integers(1, 2))
@settings(max_examples=100, deadline=None)
def test_whole_numbers_are_always_possible(scores, digits):
    values = np.array(scores, dtype=float)
    _, mean, sd = summary(values)
    half = 0.5 * 10.0**-digits + 1e-9
    sums = whole_sums(len(scores), Allowed(round(float(mean), digits) - half, 0.0, round(float(mean), digits) + half))
    assert sum(scores) in sums
    assert is_possible_sd(
        len(scores), sums, Allowed(round(float(sd), digits) - half, 0.0, round(float(sd), digits) + half)
    )


def test_means_and_sds_that_no_whole_numbers_have():
    """The examples of the papers on GRIM (5.19 of 28) and GRIMMER (3.44 with 2.47, of 18)."""
    assert whole_sums(28, Allowed(5.185, 5.19, 5.195)) == ()
    sums = whole_sums(18, Allowed(3.435, 3.44, 3.445))
    assert sums == (62,)
    assert not is_possible_sd(18, sums, Allowed(2.465, 2.47, 2.475))
