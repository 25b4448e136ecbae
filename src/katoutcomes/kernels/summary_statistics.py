"""Tests and effects from n, mean and standard deviation, and what the rounding of these numbers lets them be.

Every function takes arrays that broadcast against each other, so that one call answers for all corners of a box of
roundings as well as for the numbers as printed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Quantities = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Allowed:
    """A number with the smallest and largest value that rounding allows.

    Attributes
    ----------
    low, value, high : float
        `value` is that of the numbers as printed; NaN where it cannot be worked out.
    """

    low: float
    value: float
    high: float


def allowed(function: Callable[..., Mapping[str, Floats]], inputs: Sequence[Allowed]) -> dict[str, Allowed]:
    """Return every quantity of `function` at the printed inputs, with its range over the box of their roundings.

    Each input takes its smallest, its printed and its largest value, in every combination. Where a quantity is monotone
    in each input with the others fixed, as t, p, limits and standardized differences are, the range is exact; the
    degrees of freedom of Welch are not, and there the three points come close.

    Parameters
    ----------
    function : callable
        Takes one array an input, returns arrays by name.
    inputs : sequence of Allowed
        The printed numbers with their roundings.

    Examples
    --------
    >>> inputs = [Allowed(0.95, 1.0, 1.05), Allowed(1.9, 2.0, 2.1)]
    >>> allowed(lambda x, y: {"sum": x + y}, inputs)["sum"].value
    3.0
    """
    grid = np.array(list(itertools.product(*((one.value, one.low, one.high) for one in inputs))), dtype=np.float64)
    with np.errstate(all="ignore"):  # a corner where nothing varies gives NaN, which is left out
        found = function(*grid.T)
    return {name: _range(np.broadcast_to(values, len(grid))) for name, values in found.items()}


def _range(values: Floats) -> Allowed:
    # An infinite value is the honest end of a range whose standard deviation may be 0; NaN is no value.
    known = values[~np.isnan(values)]
    if known.size == 0:
        return Allowed(math.nan, math.nan, math.nan)
    return Allowed(float(known.min()), float(values[0]), float(known.max()))


def small_sample_factor(df: Floats) -> Floats:
    """Return J = Γ(df/2) / (√(df/2) Γ((df − 1)/2)), which makes of a standardized mean Hedges' g.

    References
    ----------
    Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators. J Educ Stat
    1981;6:107-128. doi:10.3102/10769986006002107.

    Examples
    --------
    >>> round(float(small_sample_factor(np.array(10.0))), 5)
    0.92275
    """
    from scipy.special import gammaln

    df = np.asarray(df, dtype=np.float64)
    return np.exp(gammaln(df / 2.0) - gammaln((df - 1.0) / 2.0)) / np.sqrt(df / 2.0)


def one_mean(n: Floats, mean: Floats, sd: Floats, conf_level: float) -> Quantities:
    """Return the one-sample t of a mean, its interval, and the mean in standard deviations.

    t = mean √n / s with n − 1 degrees of freedom; d_z = mean / s; g_z = J(n − 1) d_z.

    Examples
    --------
    >>> found = one_mean(np.array(16.0), np.array(-21.0), np.array(7.434), 0.95)
    >>> round(float(found["t"]), 2), round(float(found["d_z"]), 2)
    (-11.3, -2.82)
    """
    std_error = sd / np.sqrt(n)
    found = _t_test(mean, std_error, n - 1.0, conf_level)
    return found | {"d_z": mean / sd, "g_z": small_sample_factor(n - 1.0) * mean / sd}


def two_means(treatment: Sequence[Floats], comparator: Sequence[Floats], conf_level: float) -> dict[str, Quantities]:
    """Return the difference between two independent groups by the pooled t test and by Welch's.

    Parameters
    ----------
    treatment, comparator : sequence of three arrays
        n, mean and standard deviation of each group.
    conf_level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    dict
        ``"pooled"`` and ``"welch"``: difference, standard error, df, t, p and limits; the former also d (over the
        pooled SD), g (J d) and delta (over the comparator's SD), the latter d over the root mean square of the two SD.

    References
    ----------
    Student. Biometrika 1908;6:1-25. doi:10.1093/biomet/6.1.1. Welch BL. Biometrika 1947;34:28-35.
    doi:10.1093/biomet/34.1-2.28.
    """
    (n_1, mean_1, sd_1), (n_0, mean_0, sd_0) = treatment, comparator
    difference = mean_1 - mean_0
    df = n_1 + n_0 - 2.0
    pooled_sd = np.sqrt(((n_1 - 1.0) * sd_1**2 + (n_0 - 1.0) * sd_0**2) / df)
    pooled = _t_test(difference, pooled_sd * np.sqrt(1.0 / n_1 + 1.0 / n_0), df, conf_level)
    part_1, part_0 = sd_1**2 / n_1, sd_0**2 / n_0
    welch_df = (part_1 + part_0) ** 2 / (part_1**2 / (n_1 - 1.0) + part_0**2 / (n_0 - 1.0))
    welch = _t_test(difference, np.sqrt(part_1 + part_0), welch_df, conf_level)
    effects = {
        "d": difference / pooled_sd,
        "g": small_sample_factor(df) * difference / pooled_sd,
        "delta": difference / sd_0,
    }
    return {
        "pooled": pooled | effects,
        "welch": welch | {"d_rms": difference / np.sqrt((sd_1**2 + sd_0**2) / 2.0)},
    }


def _t_test(estimate: Floats, std_error: Floats, df: Floats, conf_level: float) -> Quantities:
    from scipy.special import stdtr, stdtrit

    statistic = estimate / std_error
    half_width = stdtrit(df, 0.5 + conf_level / 2.0) * std_error
    return {
        "estimate": np.asarray(estimate),
        "std_error": np.asarray(std_error),
        "df": np.asarray(df),
        "t": np.asarray(statistic),
        "p": np.asarray(2.0 * stdtr(df, -np.abs(statistic))),
        "conf_low": np.asarray(estimate - half_width),
        "conf_high": np.asarray(estimate + half_width),
    }


def sd_of_change(sd_0: Floats, sd_1: Floats, correlation: Floats) -> Floats:
    """Return √(s₀² + s₁² − 2 r s₀ s₁), the SD of the differences of two correlated scores."""
    return np.asarray(np.sqrt(sd_0**2 + sd_1**2 - 2.0 * correlation * sd_0 * sd_1))


def implied_correlation(sd_0: Floats, sd_1: Floats, sd_change: Floats) -> Floats:
    """Return the correlation between two scores that the SD of their difference implies.

    Beyond −1 and 1 the three standard deviations are not those of the same patients.

    Examples
    --------
    >>> round(float(implied_correlation(np.array(3.0), np.array(4.0), np.array(5.0))), 6)
    0.0
    """
    return np.asarray((sd_0**2 + sd_1**2 - sd_change**2) / (2.0 * sd_0 * sd_1))


def paired_effects(mean_change: Floats, sd_0: Floats, sd_1: Floats) -> Quantities:
    """Return the mean change over the root mean square of both SD (d_av) and over the baseline SD (delta_pre)."""
    return {
        "d_av": np.asarray(mean_change / np.sqrt((sd_0**2 + sd_1**2) / 2.0)),
        "delta_pre": np.asarray(mean_change / sd_0),
    }


def sd_from_limits(n: Floats, low: Floats, high: Floats, conf_level: float) -> Floats:
    """Return the SD behind the t interval of one mean: width √n / (2 t).

    Examples
    --------
    >>> round(float(sd_from_limits(np.array(10.0), np.array(5.708616), np.array(18.891384), 0.95)), 4)
    9.2141
    """
    from scipy.special import stdtrit

    return np.asarray((high - low) * np.sqrt(n) / (2.0 * stdtrit(n - 1.0, 0.5 + conf_level / 2.0)))


def sd_from_t(n: Floats, mean: Floats, statistic: Floats) -> Floats:
    """Return the SD behind the one-sample t of a mean: |mean| √n / |t|."""
    return np.asarray(np.abs(mean) * np.sqrt(n) / np.abs(statistic))


def sd_from_p(n: Floats, mean: Floats, p_value: Floats) -> Floats:
    """Return the SD behind the two-sided p-value of the one-sample t of a mean."""
    from scipy.special import stdtrit

    return sd_from_t(n, mean, stdtrit(n - 1.0, 1.0 - p_value / 2.0))


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """Two shares compared by the tests that papers use.

    Attributes
    ----------
    difference : float
        Share of group 1 minus that of group 0.
    p_fisher, p_chi_squared, p_yates : float
        Two-sided p-values: Fisher's exact test (sum of the tables no more likely), the chi-squared test, and the same
        with Yates's correction. NaN for the latter two where a margin is 0.
    """

    difference: float
    p_fisher: float
    p_chi_squared: float
    p_yates: float


def two_by_two(counted_1: int, n_1: int, counted_0: int, n_0: int) -> TwoByTwo:
    """Return the difference between two shares with the p-values of three tests.

    Examples
    --------
    >>> found = two_by_two(15, 42, 5, 42)
    >>> round(found.p_fisher, 4), round(found.p_chi_squared, 4), round(found.p_yates, 4)
    (0.0197, 0.0104, 0.0211)
    """
    from scipy.special import chdtrc
    from scipy.stats import fisher_exact

    table = [[counted_1, n_1 - counted_1], [counted_0, n_0 - counted_0]]
    margins = (n_1, n_0, counted_1 + counted_0, n_1 + n_0 - counted_1 - counted_0)
    p_chi_squared = p_yates = math.nan
    if all(margins):
        total = n_1 + n_0
        cross = abs(table[0][0] * table[1][1] - table[0][1] * table[1][0])
        scale = total / math.prod(margins)
        p_chi_squared = float(chdtrc(1.0, scale * cross**2))
        p_yates = float(chdtrc(1.0, scale * max(cross - total / 2.0, 0.0) ** 2))
    return TwoByTwo(counted_1 / n_1 - counted_0 / n_0, float(fisher_exact(np.array(table))[1]), p_chi_squared, p_yates)


def whole_sums(n: int, mean: Allowed) -> tuple[int, ...]:
    """Return the sums of `n` whole numbers whose mean lies within the rounding; none means the mean is impossible.

    References
    ----------
    Brown NJL, Heathers JAJ. The GRIM test. Soc Psychol Personal Sci 2017;8:363-369. doi:10.1177/1948550616673876.

    Examples
    --------
    >>> whole_sums(28, Allowed(5.185, 5.19, 5.195)), whole_sums(16, Allowed(37.745, 37.75, 37.755))
    ((), (604,))
    """
    # Twelve digits: the ends of a rounding are decimals that binary numbers only approximate.
    first, last = (float(f"{n * end:.12g}") for end in (mean.low, mean.high))
    return tuple(range(math.ceil(first), math.floor(last) + 1))


def is_possible_sd(n: int, sums: Sequence[int], sd: Allowed) -> bool:
    """Return whether `n` whole numbers with one of these sums can have a standard deviation within the rounding.

    The sum of squares Q = (n − 1) s² + S²/n is whole, is at least S²/n, and is odd where S is odd.

    References
    ----------
    Anaya J. The GRIMMER test: a method for testing the validity of reported measures of variability. PeerJ Preprints
    2016;4:e2400v1. doi:10.7287/peerj.preprints.2400v1.

    Examples
    --------
    >>> sums = whole_sums(18, Allowed(3.435, 3.44, 3.445))
    >>> is_possible_sd(18, sums, Allowed(2.435, 2.44, 2.445)), is_possible_sd(18, sums, Allowed(2.445, 2.45, 2.455))
    (False, True)
    """
    for total in sums:
        low, high = (float(f"{(n - 1) * max(end, 0.0) ** 2 + total**2 / n:.12g}") for end in (sd.low, sd.high))
        first = math.ceil(low)
        # Whole numbers and their squares are odd together, so every second sum of squares is out of the question.
        if first + (first - total) % 2 <= math.floor(high):
            return True
    return False
