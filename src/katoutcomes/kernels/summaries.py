"""Mean, spread and quartiles of one variable, and the t interval of a mean. NaN is "not known" and left out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_CONSTANT_TOLERANCE = 10.0 * float(np.finfo(np.float64).eps)
"""Below this share of the values' size a standard deviation is rounding: the values are one and the same number. The
same rule as that of R's `t.test`."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a table of patients prints of a number.

    Attributes
    ----------
    n_values : int
        How many values are known.
    mean, sd : float
        Mean and sample standard deviation (n − 1).
    median, lower_quartile, upper_quartile : float
        Type 7 quantiles: linear interpolation between the order statistics, as R, NumPy and spreadsheets do.

    Notes
    -----
    Without a value all are NaN; with one the standard deviation is NaN.
    """

    n_values: int
    mean: float
    sd: float
    median: float
    lower_quartile: float
    upper_quartile: float


@dataclass(frozen=True, slots=True)
class MeanInterval:
    """A mean with its t interval.

    Attributes
    ----------
    n_values : int
        How many values are known.
    estimate, sd : float
        Mean and sample standard deviation (n − 1).
    std_error, df : float
        sd / √n, and n − 1.
    conf_low, conf_high : float
        Limits of the t interval.

    Notes
    -----
    Without a value all are NaN; with one, all but the mean. Where the values do not vary `sd` and `std_error` are 0
    and there are no limits (NaN): an interval of no width would claim what nobody knows.
    """

    n_values: int
    estimate: float
    sd: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float


def mean_and_sd(values: NDArray[np.float64], size: float = 0.0) -> tuple[float, float]:
    """Return mean and sample standard deviation of values without NaN; the latter exactly 0 where they do not vary.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        No NaN.
    size : float
        How large the numbers were from which the values were made: differences of scores carry the rounding of the
        scores. By default the values' own size counts.

    Examples
    --------
    >>> mean_and_sd(np.array([0.1, 0.1, 0.1]))
    (0.1, 0.0)
    """
    if values.size == 0:
        return math.nan, math.nan
    mean = float(values.mean())
    if values.size == 1:
        return mean, math.nan
    sd = float(values.std(ddof=1))
    if sd <= _CONSTANT_TOLERANCE * max(size, float(np.abs(values).max())):
        return float(values[0]), 0.0
    return mean, sd


def summarize(values: NDArray[np.float64]) -> Summary:
    """Return what a table of patients prints of a number.

    Parameters
    ----------
    values : ndarray of float64, shape (n_patients,)
        NaN means "not known" and is left out.

    References
    ----------
    Hyndman RJ, Fan Y. Sample quantiles in statistical packages. Am Stat 1996;50:361-365.
    doi:10.1080/00031305.1996.10473566. (Type 7.)

    Examples
    --------
    >>> ages = summarize(np.array([30.0, 40.0, 50.0, np.nan, 60.0]))
    >>> ages.n_values, ages.mean, ages.median, ages.lower_quartile, ages.upper_quartile
    (4, 45.0, 45.0, 37.5, 52.5)
    """
    known = values[~np.isnan(values)]
    mean, sd = mean_and_sd(known)
    if known.size == 0:
        return Summary(0, mean, sd, math.nan, math.nan, math.nan)
    lower, median, upper = (float(quantile) for quantile in np.quantile(known, (0.25, 0.5, 0.75)))
    return Summary(int(known.size), mean, sd, median, lower, upper)


def mean_interval(values: NDArray[np.float64], conf_level: float, size: float = 0.0) -> MeanInterval:
    """Return the mean with its interval, mean ± t(n − 1) · sd / √n.

    Parameters
    ----------
    values : ndarray of float64, shape (n_patients,)
        NaN means "not known" and is left out.
    conf_level : float
        Between 0 and 1, both excluded.
    size : float
        See `mean_and_sd`.

    References
    ----------
    Student. The probable error of a mean. Biometrika 1908;6:1-25. doi:10.1093/biomet/6.1.1.

    Examples
    --------
    >>> mean = mean_interval(np.array([1.0, 2.0, 3.0]), conf_level=0.95)
    >>> mean.estimate, mean.sd, round(mean.conf_low, 3), round(mean.conf_high, 3)
    (2.0, 1.0, -0.484, 4.484)
    """
    from scipy.special import stdtrit

    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    known = values[~np.isnan(values)]
    mean, sd = mean_and_sd(known, size)
    n_values = int(known.size)
    if n_values < 2:
        return MeanInterval(n_values, mean, *(math.nan,) * 5)
    std_error = sd / math.sqrt(n_values)
    df = float(n_values - 1)
    half_width = float(stdtrit(df, 0.5 + conf_level / 2.0)) * std_error if std_error > 0.0 else math.nan
    return MeanInterval(n_values, mean, sd, std_error, df, mean - half_width, mean + half_width)
