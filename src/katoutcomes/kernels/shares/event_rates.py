"""A rate of events with its exact interval, also where no event was seen."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventRate:
    """A rate of events with its exact interval.

    Attributes
    ----------
    estimate : float
        `n_events` / `exposure`, 0 or above; NaN without exposure.
    conf_low, conf_high : float
        Limits of Garwood; 0 below where there was no event. NaN without exposure.
    n_events : int
        Events.
    exposure : float
        Time or sessions, in the unit of the rate.
    """

    estimate: float
    conf_low: float
    conf_high: float
    n_events: int
    exposure: float


def exact_rate(n_events: int, exposure: float, conf_level: float) -> EventRate:
    """Return a rate with the exact Poisson interval of Garwood.

    The limits are quantiles of chi-squared distributions over twice the exposure: χ²(α/2; 2x) and χ²(1 − α/2; 2x + 2).
    Without any event they are 0 and −ln(α/2) / exposure.

    Parameters
    ----------
    n_events : int
        0 or above.
    exposure : float
        0 or above.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Garwood F. Fiducial limits for the Poisson distribution. Biometrika 1936;28:437-442.
    doi:10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> found = exact_rate(0, 1000.0, conf_level=0.95)
    >>> round(1000 * found.conf_high, 3)
    3.689
    """
    from scipy.special import gammaincinv

    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    if n_events < 0 or exposure < 0.0:
        raise ValueError("neither events nor exposure are below 0.")
    if exposure == 0.0:
        return EventRate(math.nan, math.nan, math.nan, n_events, exposure)
    error = 1.0 - conf_level
    if n_events == 0:
        return EventRate(0.0, 0.0, -math.log(error / 2.0) / exposure, 0, exposure)
    low = float(gammaincinv(n_events, error / 2.0)) / exposure
    high = float(gammaincinv(n_events + 1.0, 1.0 - error / 2.0)) / exposure
    return EventRate(n_events / exposure, low, high, n_events, exposure)
