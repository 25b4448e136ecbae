"""Control charts, runs, funnel limits and partial pooling: hand cases, identities and slow oracles."""

from fractions import Fraction
from itertools import groupby, pairwise
from math import comb

import numpy as np
import pytest

from katoutcomes.kernels.groups.group_profiles import adjusted_means, standardized_shares_of_groups
from katoutcomes.kernels.groups.partial_pooling import METHODS, partial_pooling
from katoutcomes.kernels.monitoring.control_charts import individuals_chart, proportion_chart, rate_chart
from katoutcomes.kernels.monitoring.funnel import exact_limits, over_dispersed_limits, over_dispersion
from katoutcomes.kernels.monitoring.runs import fewest_crossings_by_chance, runs


def test_an_individuals_chart_by_hand():
    chart = individuals_chart(np.array([10.0, 12.0, 11.0, 15.0]))
    reach = 3.0 * ((2.0 + 1.0 + 4.0) / 3.0) / 1.128
    assert chart.center == 12.0
    assert chart.upper == pytest.approx([12.0 + reach] * 4)
    assert chart.lower == pytest.approx([12.0 - reach] * 4)
    assert chart.over_dispersion == 1.0


def test_limits_of_shares_stay_within_0_and_1():
    chart = proportion_chart(np.array([0, 1, 0]), np.array([5, 5, 5]))
    assert chart.lower.tolist() == [0.0] * 3
    assert (proportion_chart(np.array([5, 4]), np.array([5, 5])).upper <= 1.0).all()
    assert (rate_chart(np.array([1, 0]), np.array([4.0, 2.0])).lower == 0.0).all()


def test_laneys_factor_never_narrows():
    alike = proportion_chart(np.array([10, 10, 10]), np.array([50, 50, 50]), over_dispersed=True)
    assert alike.over_dispersion == 1.0
    nothing = rate_chart(np.array([0, 0]), np.array([9.0, 9.0]), over_dispersed=True)
    assert (nothing.center, nothing.over_dispersion, nothing.upper.tolist()) == (0.0, 1.0, [0.0, 0.0])


def test_charts_refuse_what_they_cannot_draw():
    with pytest.raises(ValueError, match="two values"):
        individuals_chart(np.array([1.0]))
    with pytest.raises(ValueError, match="known"):
        individuals_chart(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="two shares"):
        proportion_chart(np.array([2, 3]), np.array([1, 4]))
    with pytest.raises(ValueError, match="two rates"):
        rate_chart(np.array([2, 3]), np.array([1.0, 0.0]))


def slow_runs(values, center):
    """The same numbers by walking through the points."""
    sides = [value > center for value in values if value != center]
    lengths = [len(list(run)) for _, run in groupby(sides)]
    kept = [value for place, value in enumerate(values) if place == 0 or value != values[place - 1]]
    steps = [after > before for before, after in pairwise(kept)]
    trend = 1 + max((len(list(run)) for _, run in groupby(steps)), default=0)
    return len(sides), max(lengths, default=0), max(len(lengths) - 1, 0), trend


def test_runs_are_those_of_a_walk_through_the_points():
    rng = np.random.default_rng(20261122)
    for n_points in (1, 2, 3, 12, 30):
        for _ in range(40):
            values = rng.integers(0, 6, n_points).astype(float)
            center = float(rng.choice([np.median(values), 2.5]))
            found = runs(values, center)
            assert (found.n_useful, found.longest_run, found.n_crossings, found.longest_trend) == slow_runs(
                values.tolist(), center
            )


def test_runs_of_known_values_only():
    with pytest.raises(ValueError, match="known"):
        runs(np.array([1.0, np.nan]), 0.0)
    assert runs(np.array([2.0, 2.0]), 2.0).n_useful == 0


def test_crossings_by_counting_coins():
    for n_useful in range(1, 40):
        coins = n_useful - 1
        total, fewest = Fraction(0), 0
        while True:
            total += Fraction(comb(coins, fewest), 2**coins)
            if total >= Fraction(1, 20):
                break
            fewest += 1
        assert fewest_crossings_by_chance(n_useful) == fewest


def test_exact_limits_by_counting():
    """With rational numbers, so that nothing is rounded."""
    target, probability, size = Fraction(3, 10), Fraction(1, 40), 30
    total = Fraction(0)
    for count in range(size + 1):
        before = total
        total += comb(size, count) * target**count * (1 - target) ** (size - count)
        if total > probability:
            break
    by_hand = (count - (total - probability) / (total - before)) / size
    assert exact_limits(0.3, np.array([size]), 0.025)[0] == pytest.approx(float(by_hand), rel=1e-10)


def test_exact_limits_close_in_on_the_target():
    sizes = np.array([1, 5, 11, 100, 10_000])
    low, high = exact_limits(0.2, sizes, 0.001), exact_limits(0.2, sizes, 0.999)
    assert ((low >= 0.0) & (low <= 0.2 + 1e-12) & (high >= 0.2) & (high <= 1.0)).all()
    assert high[-1] - low[-1] < 0.03
    with pytest.raises(ValueError, match="between 0 and 1"):
        exact_limits(0.0, sizes, 0.025)


def test_sites_that_differ_by_chance_alone_are_not_over_dispersed():
    rng = np.random.default_rng(7)
    sizes = np.full(2000, 80)
    by_chance = over_dispersion(rng.binomial(sizes, 0.4), sizes, 0.4)
    assert by_chance.factor == pytest.approx(0.7, abs=0.05)  # winsorized normal draws have a variance of 0.68
    assert by_chance.between_variance == 0.0
    spread = over_dispersion(rng.binomial(sizes, rng.uniform(0.2, 0.6, 2000)), sizes, 0.4)
    assert spread.factor > 3.0
    plain = over_dispersed_limits(0.4, sizes[:1], 0.0, 0.975)
    assert over_dispersed_limits(0.4, sizes[:1], spread.between_variance, 0.975) > plain


def test_over_dispersed_limits_stay_within_0_and_1():
    assert over_dispersed_limits(0.1, np.array([3]), 0.5, 0.001).tolist() == [0.0]
    assert over_dispersed_limits(0.9, np.array([3]), 0.5, 0.999).tolist() == pytest.approx([1.0])


def test_equal_variances_have_a_closed_form():
    """With one variance for all, REML, DerSimonian-Laird and Paule-Mandel are all s² − v."""
    y, v = np.array([-9.0, -6.0, -4.0, -1.0]), np.full(4, 1.5)
    for method in METHODS:
        found = partial_pooling(y, v, 0.9, method)
        assert found.between_variance == pytest.approx(float(np.var(y, ddof=1)) - 1.5, rel=1e-9)
        assert found.mean == pytest.approx(-5.0)
        shrink = found.between_variance / (found.between_variance + 1.5)
        assert found.pooled == pytest.approx(-5.0 + shrink * (y + 5.0))


def test_reml_is_where_its_likelihood_is_highest():
    rng = np.random.default_rng(3)
    for _ in range(20):
        v = rng.uniform(0.2, 6.0, 7)
        y = rng.normal(-5.0, np.sqrt(v + rng.uniform(0.0, 5.0)))
        found = partial_pooling(y, v, 0.95).between_variance
        grid = np.linspace(0.0, 60.0, 24_001)
        best = grid[np.argmax([_restricted_likelihood(y, v, tau2) for tau2 in grid])]
        assert found == pytest.approx(best, abs=0.0026)


def _restricted_likelihood(y, v, tau2):
    w = 1.0 / (v + tau2)
    mean = (w @ y) / w.sum()
    return 0.5 * np.log(w).sum() - 0.5 * np.log(w.sum()) - 0.5 * (w @ (y - mean) ** 2)


def test_where_groups_do_not_differ_all_get_the_mean():
    found = partial_pooling(np.array([-5.0, -5.0, -5.0]), np.array([1.0, 2.0, 4.0]), 0.95)
    assert (found.between_variance, found.between_conf_low, found.between_conf_high) == (0.0, 0.0, 0.0)
    assert found.pooled == pytest.approx([-5.0] * 3)
    assert found.own_weight.tolist() == [0.0] * 3
    assert found.pooled_std_error == pytest.approx([found.mean_std_error] * 3)


def test_partial_pooling_refuses_what_it_cannot_pool():
    y, v = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    for estimates, variances, level, method in (
        (y[:1], v[:1], 0.95, "reml"),
        (y, np.array([1.0, 0.0]), 0.95, "reml"),
        (np.array([1.0, np.nan]), v, 0.95, "reml"),
        (y, v, 1.0, "reml"),
        (y, v, 0.95, "bayes"),
    ):
        with pytest.raises(ValueError, match=r"groups|known|between|one of"):
            partial_pooling(estimates, variances, level, method)


def test_adjusted_means_without_a_difference_in_covariates_are_means():
    outcome, group = np.array([1.0, 3.0, 4.0, 8.0]), np.array([0, 0, 1, 1])
    found = adjusted_means(outcome, np.array([[1.0], [2.0], [2.0], [1.0]]), group, 3, 0.95)
    assert found.means[:2] == pytest.approx([2.0, 6.0])
    assert np.isnan([found.means[2], found.std_errors[2], found.conf_low[2], found.conf_high[2]]).all()


def test_a_covariate_that_does_not_vary_within_groups_is_left_out():
    outcome, group = np.array([1.0, 3.0, 4.0, 8.0, 5.0]), np.array([0, 0, 1, 1, 1])
    constant = np.array([[5.0], [5.0], [7.0], [7.0], [7.0]])
    found = adjusted_means(outcome, constant, group, 2, 0.95)
    assert (found.means.tolist(), found.df) == ([2.0, pytest.approx(17 / 3)], 3.0)
    with pytest.raises(ValueError, match="no more patients"):
        adjusted_means(outcome[:2], np.array([[1.0], [2.0]]), group[:2], 1, 0.95)


def test_shares_that_are_told_exactly_are_not_standardized():
    group = np.array([0, 0, 1, 1])
    for counted in ([False, False, True, True], [True] * 4):
        found = standardized_shares_of_groups(np.array(counted), np.array([[1.0], [2.0], [3.0], [4.0]]), group, 2, 0.95)
        assert found.is_separated
        assert np.isnan([*found.standardized, *found.conf_low, *found.conf_high]).all()
