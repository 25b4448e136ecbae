"""Intervals of several numbers that hold all of them at once, from resamples they share (max-t)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SimultaneousIntervals:
    """A band over several numbers; all arrays have shape (m,).

    Attributes
    ----------
    critical_value : float
        Standard errors to either side, the same for every number; NaN where no resample has all of them.
    std_error : ndarray of float64
        Standard deviation over the resamples that have all numbers.
    conf_low, conf_high : ndarray of float64
        Limits; NaN where the critical value is.
    p_value : ndarray of float64
        Adjusted for all of them in a single step, that each number is 0.
    """

    critical_value: float
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    p_value: Floats


def simultaneous_intervals(estimates: Floats, replicates: Floats, conf_level: float) -> SimultaneousIntervals:
    """Return estimates ± c standard errors, c the quantile of the largest of all deviations in a resample.

    With se the standard deviation of the replicates, t* = maxⱼ |θ*ⱼ − θⱼ| / seⱼ in each resample; c is its quantile of
    the level, and p of one number (1 + resamples with t* ≥ |θⱼ| / seⱼ) over (1 + resamples). What the numbers have in
    common makes c smaller than Bonferroni's; with one number it is that of a symmetric bootstrap-t with a fixed error.

    Parameters
    ----------
    estimates : ndarray of float64, shape (m,)
        Of the patients as they are.
    replicates : ndarray of float64, shape (n_replicates, m)
        Of each resample; one that lacks a number is left out.
    conf_level : float
        That all intervals hold their numbers.

    References
    ----------
    Westfall PH, Young SS. Resampling-based multiple testing. Wiley, 1993.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> same = rng.normal(size=(20000, 1))
    >>> found = simultaneous_intervals(np.zeros(2), np.hstack([same, same]), 0.95)
    >>> round(found.critical_value, 1)
    2.0
    """
    known = replicates[np.isfinite(replicates).all(axis=1)]
    nothing = np.full(len(estimates), math.nan)
    if len(known) < 2 or not np.isfinite(estimates).all():
        return SimultaneousIntervals(math.nan, nothing, nothing, nothing, nothing)
    std_error = known.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        largest = np.abs((known - estimates) / std_error).max(axis=1)
        beyond = (largest[:, None] >= np.abs(estimates / std_error)).sum(axis=0)
    critical = float(np.quantile(largest, conf_level))
    width = critical * std_error
    p_value = (1.0 + beyond) / (1.0 + len(known))
    return SimultaneousIntervals(critical, std_error, estimates - width, estimates + width, p_value)
