"""Runs on one side of a center line, crossings of it and trends, with how many chance alone would leave."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CROSSINGS_LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Runs:
    """What a sequence does about its center line.

    Attributes
    ----------
    n_useful : int
        Points that do not lie on the center line; the others are left out of runs and crossings.
    longest_run : int
        Most useful points in a row on one side; 0 without any.
    n_crossings : int
        How often two useful neighbors lie on different sides.
    longest_trend : int
        Most points in a row that each go up, or each go down; a point equal to the one before is left out. One point
        is a trend of 1; 0 without points.
    """

    n_useful: int
    longest_run: int
    n_crossings: int
    longest_trend: int


def runs(values: NDArray[np.float64], center: float) -> Runs:
    """Return runs, crossings and trend of values in order of time.

    Parameters
    ----------
    values : ndarray of float64, shape (n_points,)
        No NaN.
    center : float
        The center line.

    Raises
    ------
    ValueError
        If a value or the center is not known.

    References
    ----------
    Anhøj J, Olesen AV. Run charts revisited. PLoS One 2014;9:e113825. doi:10.1371/journal.pone.0113825 (useful points,
    longest run, crossings). Perla RJ, Provost LP, Murray SK. The run chart. BMJ Qual Saf 2011;20:46-51.
    doi:10.1136/bmjqs.2009.037895 (trend).

    Examples
    --------
    >>> runs(np.array([1.0, 2.0, 5.0, 3.0, 6.0, 7.0, 1.0]), center=3.0)
    Runs(n_useful=6, longest_run=3, n_crossings=2, longest_trend=3)
    """
    if np.isnan(values).any() or math.isnan(center):
        raise ValueError("runs are counted over known values about a known center.")
    sides = np.sign(values - center)
    sides = sides[sides != 0.0]
    crossings = int(np.count_nonzero(np.diff(sides)))
    steps = np.sign(np.diff(values))
    steps = steps[steps != 0.0]
    trend = 1 + _longest(steps) if values.size else 0
    return Runs(int(sides.size), _longest(sides), crossings, trend)


def _longest(signs: NDArray[np.float64]) -> int:
    """Return the length of the longest stretch of equal signs."""
    if signs.size == 0:
        return 0
    ends = np.flatnonzero(np.diff(signs)) + 1
    return int(np.diff(np.concatenate(([0], ends, [signs.size]))).max())


def longest_run_by_chance(n_useful: int) -> int:
    """Return the longest run that chance leaves: log2(n) + 3, rounded. A longer one is a shift.

    Parameters
    ----------
    n_useful : int
        At least 1.

    References
    ----------
    Anhøj J, Olesen AV. PLoS One 2014;9:e113825. doi:10.1371/journal.pone.0113825.

    Examples
    --------
    >>> [longest_run_by_chance(n) for n in (10, 12, 24, 60)]
    [6, 7, 8, 9]
    """
    return round(math.log2(n_useful) + 3.0)


def fewest_crossings_by_chance(n_useful: int) -> int:
    """Return the fewest crossings that chance leaves: the 5 % quantile of Binomial(n − 1, 1/2). Fewer are a shift.

    Parameters
    ----------
    n_useful : int
        At least 1.

    References
    ----------
    Anhøj J, Olesen AV. PLoS One 2014;9:e113825. doi:10.1371/journal.pone.0113825. Chen Z. A note on the runs test.
    Model Assist Stat Appl 2010;5:73-77. doi:10.3233/MAS-2010-0142.

    Examples
    --------
    >>> [fewest_crossings_by_chance(n) for n in (10, 12, 24, 60)]
    [2, 3, 8, 23]
    """
    from scipy.special import bdtr

    n_pairs = n_useful - 1
    return next(fewest for fewest in range(n_pairs + 1) if bdtr(fewest, n_pairs, 0.5) >= CROSSINGS_LEVEL)
