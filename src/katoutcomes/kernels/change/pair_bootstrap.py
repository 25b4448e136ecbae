"""Bootstrap of patients: percentile and BCa intervals of the mean change and the effect sizes.

A sample of patients enters every effect only through sums over its pairs of scores. Whole scores make few distinct
pairs, so what is resampled is how often each of them occurs (a multinomial draw), and the jackknife behind the
acceleration has one value for each distinct pair, in closed form from the sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.change.paired_effects import EFFECTS, effect_values

INTERVALS: tuple[str, ...] = ("bca", "percentile")
MEAN_CHANGE = "mean change"
STATISTICS: tuple[str, ...] = (MEAN_CHANGE, *EFFECTS)
_CHUNK_CELLS = 100_000
"""Resampled counts held at once: few enough to stay in the processor's cache."""
_SPARE = 8.0
"""How many standard deviations of their sum the Poisson numbers stay below the sample size."""
_MOST_UNDEFINED = 0.05
"""Beyond this share of samples in which an effect does not exist, its interval does not either."""


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """Limits of one statistic.

    Attributes
    ----------
    conf_low, conf_high : float
        NaN where the statistic or its acceleration does not exist.
    std_error : float
        Standard deviation of the statistic over the samples.
    """

    conf_low: float
    conf_high: float
    std_error: float


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Distinct pairs of scores around a middle, and how many patients have each.

    Attributes
    ----------
    features : ndarray of float64, shape (n_distinct, 5)
        x, y, x², y², xy with x baseline and y follow-up, both minus the same number.
    counts : ndarray of int64, shape (n_distinct,)
    is_whole : bool
        Whether all features are whole numbers so small that their sums are exact in any order.
    """

    features: NDArray[np.float64]
    counts: NDArray[np.int64]
    is_whole: bool


def bootstrap_intervals(
    baseline: NDArray[np.float64],
    follow_up: NDArray[np.float64],
    *,
    rng: np.random.Generator,
    n_resamples: int,
    conf_level: float,
    method: str = "bca",
    chunk_size: int | None = None,
) -> dict[str, BootstrapInterval]:
    """Return bootstrap intervals of the mean change and of every effect, from the same resampled patients.

    BCa: with z₀ = Φ⁻¹(share of resampled values below the estimate, ties half) and a = Σu³/(6(Σu²)^1.5), u the mean
    of the leave-one-out values minus each of them, the limits are the quantiles at
    Φ(z₀ + (z₀ + z)/(1 − a(z₀ + z))). Percentile: the quantiles at (1 ± level)/2.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64, shape (n_pairs,)
        Scores of the same patients in the same order, no NaN.
    rng : numpy.random.Generator
        Where the samples come from.
    n_resamples : int
        How many; 1,000 or more for an interval of 95 %.
    conf_level : float
        Between 0 and 1, both excluded.
    method : {"bca", "percentile"}
        Which interval.
    chunk_size : int, optional
        How many samples are held at once; by default as many as fill 800 KB. It changes no bit of the result.

    References
    ----------
    Efron B. Better bootstrap confidence intervals. J Am Stat Assoc 1987;82:171-185.
    doi:10.1080/01621459.1987.10478410.

    Examples
    --------
    >>> before, after = np.array([20.0, 18, 25, 17, 22, 19]), np.array([10.0, 12, 20, 16, 12, 9])
    >>> rng = np.random.default_rng(1)
    >>> found = bootstrap_intervals(before, after, rng=rng, n_resamples=2000, conf_level=0.9)
    >>> round(found["mean change"].conf_low, 1), round(found["mean change"].conf_high, 1)
    (-9.2, -4.5)
    """
    if method not in INTERVALS:
        raise ValueError(f"no bootstrap interval is called {method!r}.")
    if baseline.size < 2:
        return {name: BootstrapInterval(math.nan, math.nan, math.nan) for name in STATISTICS}
    pairs = _distinct_pairs(baseline, follow_up)
    n_pairs = int(baseline.size)
    estimates = _statistics(pairs.counts @ pairs.features, n_pairs)
    left_out = _statistics(pairs.counts @ pairs.features - pairs.features, n_pairs - 1) if n_pairs > 2 else None
    samples = _resampled(pairs, n_pairs, n_resamples, rng, chunk_size)
    found = {}
    for name in STATISTICS:
        values = samples[name]
        acceleration = 0.0
        if method == "bca":
            acceleration = _acceleration(left_out[name], pairs.counts) if left_out is not None else math.nan
        found[name] = _interval(values, float(estimates[name][0]), acceleration, conf_level, method)
    return found


def _distinct_pairs(baseline: NDArray[np.float64], follow_up: NDArray[np.float64]) -> _Pairs:
    pairs, counts = np.unique(np.column_stack((baseline, follow_up)), axis=0, return_counts=True)
    middle = float(np.round((baseline.mean() + follow_up.mean()) / 2.0))
    x, y = pairs[:, 0] - middle, pairs[:, 1] - middle
    features = np.column_stack((x, y, x * x, y * y, x * y))
    largest = float(np.abs(features).max()) * baseline.size
    is_whole = bool((pairs == np.floor(pairs)).all()) and largest < 2.0**53
    return _Pairs(features, counts.astype(np.int64), is_whole)


def _statistics(sums: NDArray[np.float64], n_pairs: int) -> dict[str, NDArray[np.float64]]:
    """Return every statistic of samples given by their sums, shape (n_samples, 5) or (5,)."""
    rows = np.atleast_2d(sums)
    x, y, xx, yy, xy = rows.T / n_pairs
    scale = n_pairs / (n_pairs - 1.0)
    # Differences of sums of whole numbers: a variance that is rounding away from 0 is 0.
    before, after = (np.where(v > 1e-12 * (1.0 + s), v, 0.0) * scale for v, s in ((xx - x * x, xx), (yy - y * y, yy)))
    squares = xx + yy - 2.0 * xy
    change = squares - (y - x) ** 2
    change = np.where(change > 1e-12 * (1.0 + squares), change, 0.0) * scale
    return {MEAN_CHANGE: y - x, **effect_values(y - x, before, after, change)}


def _resampled(
    pairs: _Pairs, n_pairs: int, n_resamples: int, rng: np.random.Generator, chunk_size: int | None
) -> dict[str, NDArray[np.float64]]:
    """Return every statistic of all samples, drawn chunk by chunk from streams that the chunks do not change."""
    n_distinct = pairs.counts.size
    rows = chunk_size or max(1, _CHUNK_CELLS // max(n_distinct, 1))
    sums = np.empty((n_resamples, pairs.features.shape[1]))
    of_cells, of_rest = rng.spawn(2)
    for start in range(0, n_resamples, rows):
        size = min(rows, n_resamples - start)
        weights = _multinomial(pairs.counts, size, of_cells, of_rest).astype(np.float64)
        if pairs.is_whole:
            sums[start : start + size] = weights @ pairs.features
        else:  # a matrix product adds in an order that depends on its size; a sum row by row does not
            for column in range(sums.shape[1]):
                sums[start : start + size, column] = (weights * pairs.features[:, column]).sum(axis=1)
    return _statistics(sums, n_pairs)


def _multinomial(
    counts: NDArray[np.int64], size: int, of_cells: np.random.Generator, of_rest: np.random.Generator
) -> NDArray[np.int64]:
    """Return how often each distinct pair is drawn in `size` samples of as many patients as there are.

    Independent Poisson numbers are multinomial given their sum. Most of a sample is drawn so, in numbers that are too
    small to overshoot; the patients that are left to draw are drawn one by one. That is a multinomial draw as well, at
    half the cost of one pair after the other.
    """
    n_pairs = int(counts.sum())
    expected = counts * max(0.0, 1.0 - _SPARE / math.sqrt(n_pairs))
    drawn = of_cells.poisson(np.broadcast_to(expected, (size, counts.size)))
    rest = n_pairs - drawn.sum(axis=1)
    while (rest < 0).any():  # about once in 10 ** 15 samples
        again = np.flatnonzero(rest < 0)
        drawn[again] = of_cells.poisson(np.broadcast_to(expected, (again.size, counts.size)))
        rest = n_pairs - drawn.sum(axis=1)
    pair_of_patient = np.repeat(np.arange(counts.size), counts)
    one_by_one = pair_of_patient[of_rest.integers(0, n_pairs, int(rest.sum()))]
    row = np.repeat(np.arange(size) * counts.size, rest)
    return drawn + np.bincount(row + one_by_one, minlength=drawn.size).reshape(drawn.shape)


def _acceleration(left_out: NDArray[np.float64], counts: NDArray[np.int64]) -> float:
    """Return BCa's a from the leave-one-out values of the distinct pairs; NaN where one of them does not exist."""
    n_patients = int(counts.sum())
    apart = float(counts @ left_out) / n_patients - left_out
    square = float(counts @ apart**2)
    if math.isnan(square):
        return math.nan
    return float(counts @ apart**3) / (6.0 * square**1.5) if square > 0.0 else 0.0


def _interval(
    values: NDArray[np.float64], estimate: float, acceleration: float, conf_level: float, method: str
) -> BootstrapInterval:
    from scipy.special import ndtr, ndtri

    known = values[~np.isnan(values)]
    if known.size < max(2.0, (1.0 - _MOST_UNDEFINED) * values.size) or math.isnan(estimate + acceleration):
        return BootstrapInterval(math.nan, math.nan, math.nan)
    std_error = float(known.std(ddof=1))
    if not std_error > 1e-12 * abs(estimate):
        return BootstrapInterval(math.nan, math.nan, std_error)
    tails = np.array([0.5 - conf_level / 2.0, 0.5 + conf_level / 2.0])
    if method == "bca":
        below = float((known < estimate).mean() + 0.5 * (known == estimate).mean())
        if not 0.0 < below < 1.0:
            return BootstrapInterval(math.nan, math.nan, std_error)
        shift = float(ndtri(below))
        reach = shift + ndtri(tails)
        tails = ndtr(shift + reach / (1.0 - acceleration * reach))
    low, high = (float(limit) for limit in np.quantile(known, tails))
    return BootstrapInterval(low, high, std_error)
