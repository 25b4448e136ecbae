"""The signed rank test of Wilcoxon and the estimate that belongs to it: the median of all pairwise mean changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EXACT_BELOW = 50
"""Below this many changes, none of them tied or 0, p and limits are those of the exact distribution, as in R."""


@dataclass(frozen=True, slots=True)
class RankChange:
    """A change by ranks.

    Attributes
    ----------
    estimate : float
        Hodges and Lehmann's: the median of the means of all pairs of changes, each change with itself included.
    conf_low, conf_high : float
        Its interval, from the order statistics of these means; NaN where all changes are alike or too few for the
        level: even smallest to largest holds the truth with 1 − 2/2ⁿ alone, so 95 % takes six changes.
    statistic : float
        Sum of the ranks of the changes above 0 among all that are not 0.
    p_value : float
        Two-sided; NaN where every change is 0.
    n_values, n_zero : int
        How many changes, and how many of them are 0: these count for the estimate and not for the test.
    is_exact : bool
        Whether p and limits come from the exact distribution.
    """

    estimate: float
    conf_low: float
    conf_high: float
    statistic: float
    p_value: float
    n_values: int
    n_zero: int
    is_exact: bool


def rank_change(changes: NDArray[np.float64], conf_level: float) -> RankChange:
    """Return Wilcoxon's signed rank test and the Hodges-Lehmann estimate with its interval.

    Changes of 0 are left out of the test (Wilcoxon). Without ties among the others, and fewer than `EXACT_BELOW`, p is
    exact; otherwise it is the normal approximation with the variance reduced for ties and a continuity correction
    of ½, never below 2/2ⁿ, the least that n changes can give. The limits are the k-th smallest and k-th largest
    pairwise mean, k the smallest number with P(W ≤ k) ≥ (1 − level)/2, exactly or by the normal approximation with
    continuity correction; with ties they are wider than need be, never narrower.

    Parameters
    ----------
    changes : ndarray of float64, shape (n,)
        Follow-up minus baseline, no NaN.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Wilcoxon F. Individual comparisons by ranking methods. Biometrics Bull 1945;1:80-83. doi:10.2307/3001968.
    Hodges JL, Lehmann EL. Estimates of location based on rank tests. Ann Math Stat 1963;34:598-611.
    doi:10.1214/aoms/1177704172.

    Examples
    --------
    >>> found = rank_change(np.array([-8.0, -5.5, -4.0, -2.5, 1.0]), conf_level=0.9)
    >>> found.estimate, found.conf_low, found.conf_high, found.statistic, found.p_value
    (-4.0, -8.0, 1.0, 1.0, 0.125)
    """
    n_values = int(changes.size)
    moved = changes[changes != 0.0]
    statistic, p_value, is_exact = _signed_rank_test(moved)
    is_exact = is_exact and moved.size == n_values
    if n_values == 0:
        return RankChange(math.nan, math.nan, math.nan, math.nan, math.nan, 0, 0, False)
    n_means = n_values * (n_values + 1) // 2
    values, counts = np.unique(changes, return_counts=True)
    middle = (_pairwise_mean(values, counts, (n_means + 1) // 2) + _pairwise_mean(values, counts, n_means // 2 + 1)) / 2
    low = high = math.nan
    # From the smallest to the largest of n changes is as wide as these limits go. R gives it with a warning.
    is_attainable = 0.5**n_values <= (1.0 - conf_level) / 2.0 * (1.0 + 1e-12)
    if values.size > 1 and is_attainable:
        place = _order_of_limit(n_values, conf_level, is_exact=is_exact)
        low = _pairwise_mean(values, counts, place)
        high = _pairwise_mean(values, counts, n_means + 1 - place)
    return RankChange(middle, low, high, statistic, p_value, n_values, n_values - int(moved.size), is_exact)


def signed_rank_counts(n_values: int) -> NDArray[np.float64]:
    """Return the probability of each sum of ranks, 0 to n(n + 1)/2, under the null hypothesis.

    Examples
    --------
    >>> (signed_rank_counts(2) * 4).tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    shares = np.zeros(n_values * (n_values + 1) // 2 + 1)
    shares[0] = 1.0
    for rank in range(1, n_values + 1):
        moved = shares.copy()
        moved[rank:] += shares[: shares.size - rank]
        shares = moved / 2.0
    return shares


def _signed_rank_test(moved: NDArray[np.float64]) -> tuple[float, float, bool]:
    """Return the statistic, the two-sided p-value and whether it is exact, of changes none of which is 0."""
    from scipy.special import ndtr
    from scipy.stats import rankdata

    n_moved = int(moved.size)
    if n_moved == 0:
        return 0.0, math.nan, False
    sizes = np.abs(moved)
    ranks = rankdata(sizes)
    statistic = float(ranks[moved > 0.0].sum())
    ties = np.unique(sizes, return_counts=True)[1].astype(np.float64)
    if ties.max() == 1.0 and n_moved < EXACT_BELOW:
        below = float(
            signed_rank_counts(n_moved)[: round(min(statistic, n_moved * (n_moved + 1) / 2 - statistic)) + 1].sum()
        )
        return statistic, min(1.0, 2.0 * below), True
    expected = n_moved * (n_moved + 1) / 4.0
    variance = n_moved * (n_moved + 1) * (2 * n_moved + 1) / 24.0 - float((ties**3 - ties).sum()) / 48.0
    apart = max(0.0, abs(statistic - expected) - 0.5)
    approximate = 2.0 * float(ndtr(-apart / math.sqrt(variance)))
    # All signs alike is the rarest there is, ties or none: 2/2ⁿ, whatever the normal distribution says of few changes.
    return statistic, max(approximate, 2.0 ** (1 - n_moved)), False


def _order_of_limit(n_values: int, conf_level: float, *, is_exact: bool) -> int:
    """Return which of the ordered pairwise means is the lower limit, counted from 1."""
    from scipy.special import ndtri

    tail = (1.0 - conf_level) / 2.0
    if is_exact:
        below = np.cumsum(signed_rank_counts(n_values))
        return max(1, int(np.searchsorted(below, tail * (1.0 - 1e-12))))
    spread = math.sqrt(n_values * (n_values + 1) * (2 * n_values + 1) / 24.0)
    place = n_values * (n_values + 1) / 4.0 + float(ndtri(tail)) * spread - 0.5
    return max(1, math.ceil(place))


def _pairwise_mean(values: NDArray[np.float64], counts: NDArray[np.int64], place: int) -> float:
    """Return the `place`-th smallest of all pairwise means, counted from 1, without forming them.

    Halving the range between the extremes and counting how many lie at or below needs the distinct changes alone, so
    a million patients with whole scores cost no more than fifty numbers.
    """
    at_most = np.concatenate(([0], np.cumsum(counts)))

    def n_at_most(sums: float) -> int:
        ordered = int(counts @ at_most[np.searchsorted(values, sums - values, side="right")])
        return (ordered + int(counts[2.0 * values <= sums].sum())) // 2

    low, high = 2.0 * float(values[0]), 2.0 * float(values[-1])
    if n_at_most(low) >= place:
        return low / 2.0
    for _ in range(200):
        middle = low + (high - low) / 2.0
        if not low < middle < high:
            break
        low, high = (low, middle) if n_at_most(middle) >= place else (middle, high)
    return _snapped(values, high)


def _snapped(values: NDArray[np.float64], sums: float) -> float:
    """Return the mean of the two changes whose sum is nearest to `sums`: the search ends within rounding of it."""
    found = np.clip(np.searchsorted(values, sums - values), 0, values.size - 1)
    candidates = np.concatenate((values + values[found], values + values[np.maximum(found - 1, 0)]))
    return float(candidates[np.argmin(np.abs(candidates - sums))]) / 2.0
