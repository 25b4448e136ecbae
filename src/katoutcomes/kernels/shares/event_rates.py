"""Exact intervals of shares and rates of events, also where no event was seen."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventShare:
    """A share with its exact interval.

    Attributes
    ----------
    estimate : float
        `n_events` / `n_trials`, between 0 and 1; NaN without trials.
    conf_low, conf_high : float
        Limits of Clopper and Pearson; 0 and 1 where nothing or everything was an event. NaN without trials.
    n_events, n_trials : int
        Numerator and denominator.
    """

    estimate: float
    conf_low: float
    conf_high: float
    n_events: int
    n_trials: int


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


def exact_share(n_events: int, n_trials: int, conf_level: float) -> EventShare:
    """Return a share with the interval of Clopper and Pearson.

    The limits are quantiles of beta distributions: B(α/2; x, n − x + 1) and B(1 − α/2; x + 1, n − x). Where no event
    was seen they are 0 and 1 − (α/2)^(1/n), near 3.7/n at 95 %. The "rule of three", 3/n, spends the whole error on the
    upper limit; if only samples without an event are treated so, the interval covers less than its level.

    Parameters
    ----------
    n_events, n_trials : int
        0 ≤ `n_events` ≤ `n_trials`.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the binomial. Biometrika
    1934;26:404-413. doi:10.1093/biomet/26.4.404. Hanley JA, Lippman-Hand A. If nothing goes wrong, is everything all
    right? JAMA 1983;249:1743-1745. doi:10.1001/jama.1983.03330370053031.

    Examples
    --------
    >>> found = exact_share(0, 100, conf_level=0.95)
    >>> found.conf_low, round(found.conf_high, 4)
    (0.0, 0.0362)
    """
    from scipy.special import betaincinv

    _require(conf_level)
    if not 0 <= n_events <= n_trials:
        raise ValueError("n_events lies between 0 and n_trials.")
    if n_trials == 0:
        return EventShare(math.nan, math.nan, math.nan, 0, 0)
    error = 1.0 - conf_level
    if n_events == 0:
        return EventShare(0.0, 0.0, -math.expm1(math.log(error / 2.0) / n_trials), 0, n_trials)
    if n_events == n_trials:
        return EventShare(1.0, math.exp(math.log(error / 2.0) / n_trials), 1.0, n_events, n_trials)
    low = float(betaincinv(n_events, n_trials - n_events + 1.0, error / 2.0))
    high = float(betaincinv(n_events + 1.0, n_trials - n_events, 1.0 - error / 2.0))
    return EventShare(n_events / n_trials, low, high, n_events, n_trials)


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

    _require(conf_level)
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


def _require(conf_level: float) -> None:
    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
