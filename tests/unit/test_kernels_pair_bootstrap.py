"""The bootstrap of patients: against SciPy's, against loops, the same for any chunk."""

import math

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.change.pair_bootstrap import STATISTICS, bootstrap_intervals
from katoutcomes.kernels.change.paired_effects import effect_values, pair_moments

RESAMPLES = 4_000


def whole_scores(n_pairs, seed=2):
    rng = np.random.default_rng(seed)
    before = np.clip(np.round(rng.normal(16, 4, n_pairs)), 0, 27)
    return before, np.clip(np.round(0.5 * before + rng.normal(2, 4, n_pairs)), 0, 27)


def intervals(scores, seed=1, **choices):
    given = {"n_resamples": RESAMPLES, "conf_level": 0.95, **choices}
    return bootstrap_intervals(*scores, rng=np.random.default_rng(seed), **given)


def statistic(name):
    def value(before, after, axis=-1):
        change = after - before
        if name == "mean change":
            return change.mean(axis=axis)
        moments = (before.var(axis=axis, ddof=1), after.var(axis=axis, ddof=1), change.var(axis=axis, ddof=1))
        return effect_values(change.mean(axis=axis), *moments)[name]

    return value


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("method", ["bca", "percentile"])
def test_against_scipy(name, method):
    """Two streams of random numbers: the limits agree within the error of 4,000 samples."""
    scores = whole_scores(60)
    found = intervals(scores, method=method)[name]
    peer = stats.bootstrap(
        scores,
        statistic(name),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        method="BCa" if method == "bca" else method,
        rng=np.random.default_rng(3),
    )
    allowed = 5 * found.std_error / math.sqrt(0.025 * RESAMPLES)  # quantile error: about SD/√(n p) at the tail
    assert abs(found.conf_low - peer.confidence_interval.low) < allowed
    assert abs(found.conf_high - peer.confidence_interval.high) < allowed
    assert found.std_error == pytest.approx(peer.standard_error, rel=0.06)


@pytest.mark.parametrize("scores", [whole_scores(80), tuple(s + 0.137 * i for i, s in enumerate(whole_scores(80)))])
def test_no_chunk_size_changes_a_bit(scores):
    scores = (scores[0], scores[1] + np.linspace(0, 0.3, 80) * (scores[1] % 1 != 0))
    one = intervals(scores, n_resamples=500)
    for chunk_size in (1, 7, 64, 499, 10_000):
        assert intervals(scores, n_resamples=500, chunk_size=chunk_size) == one


def test_acceleration_is_that_of_the_jackknife():
    """BCa's limits from the same samples, with leave-one-out values found one by one."""
    from katoutcomes.kernels.change.pair_bootstrap import _acceleration, _distinct_pairs, _statistics

    before, after = whole_scores(40)
    pairs = _distinct_pairs(before, after)
    left_out = _statistics(pairs.counts @ pairs.features - pairs.features, before.size - 1)
    for name in STATISTICS:
        slow = np.array([statistic(name)(np.delete(before, i), np.delete(after, i)) for i in range(before.size)])
        apart = slow.mean() - slow
        expected = (apart**3).sum() / (6 * (apart**2).sum() ** 1.5)
        assert _acceleration(left_out[name], pairs.counts) == pytest.approx(expected, rel=1e-8)


def test_statistics_from_sums_are_those_of_the_scores():
    from katoutcomes.kernels.change.pair_bootstrap import _distinct_pairs, _statistics

    before, after = whole_scores(50)
    pairs = _distinct_pairs(before, after)
    found = _statistics(pairs.counts @ pairs.features, before.size)
    moments = pair_moments(before, after)
    assert found["mean change"][0] == pytest.approx(moments.mean_change, rel=1e-12)
    for name in STATISTICS[1:]:
        assert found[name][0] == pytest.approx(statistic(name)(before, after), rel=1e-10)


def test_draws_are_multinomial():
    """Means, variances and covariances of the counts, and their sum; with few patients and with many."""
    from katoutcomes.kernels.change.pair_bootstrap import _multinomial

    for counts in (np.array([1, 2, 4]), np.array([100, 30, 350, 20])):
        n_pairs, n_draws = int(counts.sum()), 60_000
        drawn = _multinomial(counts, n_draws, *np.random.default_rng(6).spawn(2))
        assert (drawn.sum(axis=1) == n_pairs).all()
        assert (drawn >= 0).all()
        shares = counts / n_pairs
        spread = n_pairs * (np.diag(shares) - np.outer(shares, shares))
        error = 5 * np.sqrt(spread.diagonal() / n_draws)
        assert (np.abs(drawn.mean(axis=0) - counts) < error).all()
        assert np.cov(drawn.T) == pytest.approx(spread, rel=0.05, abs=0.05 * spread.diagonal().max())
        first = np.bincount(drawn[:, 0], minlength=n_pairs + 1)[: n_pairs + 1] / n_draws
        expected = stats.binom.pmf(np.arange(n_pairs + 1), n_pairs, shares[0])
        assert np.abs(np.cumsum(first) - np.cumsum(expected)).max() < 1.9 / np.sqrt(n_draws)  # Kolmogorov, 0.1 %


def test_the_order_of_the_patients_does_not_matter():
    before, after = whole_scores(50)
    order = np.random.default_rng(0).permutation(50)
    assert intervals((before[order], after[order])) == intervals((before, after))


def test_where_nothing_varies_there_is_no_interval():
    before = np.arange(10.0, 20.0)
    found = intervals((before, before - 5.0))
    assert math.isnan(found["mean change"].conf_low)
    assert math.isnan(found["d_z"].conf_low)
    assert found["delta_pre"].conf_low < -5.0 / before.std(ddof=1) < found["delta_pre"].conf_high
    alone = intervals((np.array([3.0]), np.array([2.0])))
    assert all(math.isnan(limits.conf_low) for limits in alone.values())


def test_refuses_an_interval_it_does_not_know():
    with pytest.raises(ValueError, match="no bootstrap interval"):
        intervals(whole_scores(10), method="basic")
