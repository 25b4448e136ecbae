"""Center lines and three-sigma limits of values in order of time: XmR, p and u charts, and Laney's versions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MEAN_RANGE_OF_TWO = 1.128
"""Mean range of two draws from a standard normal distribution (2/√π), as tables of control charts print it."""

SIGMAS = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class ControlChart:
    """Lines of a control chart.

    Attributes
    ----------
    center : float
        The center line: the mean of the values, or all events over all units.
    lower, upper : ndarray of float64, shape (n_points,)
        Three-sigma limits of each point; within 0 and 1 for shares, not below 0 for rates.
    over_dispersion : float
        Laney's factor (sigma z) by which the limits were widened; 1 where they were not.
    """

    center: float
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    over_dispersion: float


def individuals_chart(values: NDArray[np.float64]) -> ControlChart:
    """Return the XmR chart of single values: mean ± 3 · mR̄ / 1.128, with mR̄ the mean moving range of neighbors.

    Parameters
    ----------
    values : ndarray of float64, shape (n_points,)
        In order of time, at least two, no NaN.

    Raises
    ------
    ValueError
        If there are fewer than two values, or one is not known.

    References
    ----------
    Shewhart WA. Economic control of quality of manufactured product. Van Nostrand, 1931. NIST/SEMATECH e-Handbook of
    Statistical Methods, 6.3.2.2 Individuals control charts. doi:10.18434/M32189.

    Examples
    --------
    >>> chart = individuals_chart(np.array([1.0, 3.0, 2.0, 4.0]))
    >>> chart.center, round(float(chart.upper[0]), 4)
    (2.5, 6.9326)
    """
    if values.size < 2 or np.isnan(values).any():
        raise ValueError("an individuals chart takes at least two values, all of them known.")
    center = float(values.mean())
    reach = SIGMAS * float(np.abs(np.diff(values)).mean()) / MEAN_RANGE_OF_TWO
    return ControlChart(center, np.full(values.shape, center - reach), np.full(values.shape, center + reach), 1.0)


def proportion_chart(
    n_events: NDArray[np.int64], n_units: NDArray[np.int64], *, over_dispersed: bool = False
) -> ControlChart:
    """Return the p chart of shares: p̄ ± 3 √(p̄(1 − p̄) / nᵢ), with p̄ all events over all units.

    Parameters
    ----------
    n_events, n_units : ndarray of int64, shape (n_points,)
        0 ≤ `n_events` ≤ `n_units`, and `n_units` at least 1.
    over_dispersed : bool, default False
        Whether the limits are multiplied by Laney's factor (the p′ chart): the mean moving range of the standardized
        shares over 1.128. A factor below 1 leaves them as they are: chance makes shares differ at least that much.

    Raises
    ------
    ValueError
        If counts are outside their ranges or there are fewer than two points.

    References
    ----------
    Laney DB. Improved control charts for attributes. Qual Eng 2002;14:531-537. doi:10.1081/QEN-120003555.

    Examples
    --------
    >>> chart = proportion_chart(np.array([10, 20, 15]), np.array([50, 50, 50]))
    >>> chart.center, round(float(chart.upper[0]), 4)
    (0.3, 0.4944)
    """
    if n_events.size < 2 or (n_units < 1).any() or (n_events < 0).any() or (n_events > n_units).any():
        raise ValueError("a p chart takes at least two shares of at least one unit, each between 0 and 1.")
    center = float(n_events.sum() / n_units.sum())
    sigma = np.sqrt(center * (1.0 - center) / n_units)
    factor = _laney(n_events / n_units, center, sigma) if over_dispersed else 1.0
    reach = SIGMAS * factor * sigma
    return ControlChart(center, np.maximum(center - reach, 0.0), np.minimum(center + reach, 1.0), factor)


def rate_chart(
    n_events: NDArray[np.int64], exposure: NDArray[np.float64], *, over_dispersed: bool = False
) -> ControlChart:
    """Return the u chart of rates: ū ± 3 √(ū / eᵢ), with ū all events over all exposure.

    Parameters
    ----------
    n_events : ndarray of int64, shape (n_points,)
        0 or above.
    exposure : ndarray of float64, shape (n_points,)
        Above 0, for example dosing sessions.
    over_dispersed : bool, default False
        Whether the limits are multiplied by Laney's factor (the u′ chart), see `proportion_chart`.

    Raises
    ------
    ValueError
        If counts or exposure are outside their ranges or there are fewer than two points.

    References
    ----------
    Laney DB. Improved control charts for attributes. Qual Eng 2002;14:531-537. doi:10.1081/QEN-120003555.

    Examples
    --------
    >>> chart = rate_chart(np.array([4, 9]), np.array([10.0, 16.0]))
    >>> chart.center, round(float(chart.upper[1]), 4)
    (0.5, 1.0303)
    """
    if n_events.size < 2 or (exposure <= 0.0).any() or (n_events < 0).any():
        raise ValueError("a u chart takes at least two rates with exposure.")
    center = float(n_events.sum() / exposure.sum())
    sigma = np.sqrt(center / exposure)
    factor = _laney(n_events / exposure, center, sigma) if over_dispersed else 1.0
    reach = SIGMAS * factor * sigma
    return ControlChart(center, np.maximum(center - reach, 0.0), center + reach, factor)


def _laney(values: NDArray[np.float64], center: float, sigma: NDArray[np.float64]) -> float:
    """Return the mean moving range of the standardized values over 1.128, at least 1."""
    if not (sigma > 0.0).all():
        return 1.0  # no event, or nothing but events: nothing varies
    moving = np.abs(np.diff((values - center) / sigma))
    factor = float(moving.mean()) / MEAN_RANGE_OF_TWO
    return factor if math.isfinite(factor) and factor > 1.0 else 1.0
