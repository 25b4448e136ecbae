"""A share of patients, or of sessions, with its interval: the exact one of Clopper and Pearson, or Wilson's."""

from __future__ import annotations

import math
from dataclasses import dataclass

INTERVALS: tuple[str, ...] = ("exact", "wilson")
"""The exact interval, the default, never covers less than it promises; Wilson's is narrower and does so on average."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of patients and its interval.

    Attributes
    ----------
    estimate : float
        `n_events` / `n_patients`, between 0 and 1; NaN without patients.
    conf_low, conf_high : float
        Limits of the interval, between 0 and 1; NaN without patients.
    n_events, n_patients : int
        Numerator and denominator.
    """

    estimate: float
    conf_low: float
    conf_high: float
    n_events: int
    n_patients: int


def share(n_events: int, n_patients: int, conf_level: float, interval: str = "exact") -> Share:
    """Return the share of `n_patients` to whom something applies, with its interval.

    The exact limits are the shares at which so many events or more, and so few or less, have half the error
    probability each: B(α/2; x, n − x + 1) and B(1 − α/2; x + 1, n − x), quantiles of beta distributions. They never
    cover less than promised, whatever the share. Where nothing was seen they are 0 and 1 − (α/2)^(1/n), near 3.7/n at
    95 %. The "rule of three", 3/n, spends the whole error on the upper limit; if only samples without an event are
    treated so, the interval covers less than its level.

    Wilson's limits are the two proportions that a score test at level 1 − `conf_level` would just not reject. They are
    narrower and cover on average what they promise, but less for single shares near 0 or 1: down to 83.7 % with 20
    patients, whose share is 0.9 %. They are what Newcombe's interval of a difference was made of.

    Parameters
    ----------
    n_events : int
        To how many it applies, 0 to `n_patients`.
    n_patients : int
        Of how many; 0 gives NaN throughout.
    conf_level : float
        Between 0 and 1, both excluded.
    interval : {"exact", "wilson"}
        Which limits.

    Returns
    -------
    Share
        The share and its limits.

    Raises
    ------
    ValueError
        If the counts, the level or the name of the interval are outside their ranges.

    References
    ----------
    Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the binomial.
    Biometrika 1934;26:404-413. doi:10.1093/biomet/26.4.404.
    Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-212.
    doi:10.1080/01621459.1927.10502953.
    Hanley JA, Lippman-Hand A. If nothing goes wrong, is everything all right? JAMA 1983;249:1743-1745.
    doi:10.1001/jama.1983.03330370053031. (The rule of three.)
    Brown LD, Cai TT, DasGupta A. Interval estimation for a binomial proportion. Stat Sci 2001;16:101-133.
    doi:10.1214/ss/1009213286.

    Examples
    --------
    >>> half = share(5, 10, conf_level=0.95)
    >>> half.estimate, round(half.conf_low, 4), round(half.conf_high, 4)
    (0.5, 0.1871, 0.8129)
    >>> nobody = share(0, 100, conf_level=0.95)
    >>> nobody.conf_low, round(nobody.conf_high, 4)
    (0.0, 0.0362)
    """
    if not 0 <= n_events <= n_patients:
        raise ValueError("0 <= n_events <= n_patients is needed.")
    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    if interval not in INTERVALS:
        raise ValueError(f"interval is one of {INTERVALS}.")
    if n_patients == 0:
        return Share(math.nan, math.nan, math.nan, 0, 0)
    limits = _wilson_limits if interval == "wilson" else _exact_limits
    return Share(n_events / n_patients, *limits(n_events, n_patients, conf_level), int(n_events), int(n_patients))


def _wilson_limits(n_events: int, n_patients: int, conf_level: float) -> tuple[float, float]:
    from scipy.special import ndtri

    z_squared = float(ndtri(0.5 - conf_level / 2.0)) ** 2
    center = (n_events + z_squared / 2.0) / (n_patients + z_squared)
    variance = n_events * (1.0 - n_events / n_patients) + z_squared / 4.0
    half_width = math.sqrt(z_squared * variance) / (n_patients + z_squared)
    # Without events center and half width are the same number; with nothing but events rounding would leave 1 - 1e-16.
    return center - half_width, 1.0 if n_events == n_patients else center + half_width


def _exact_limits(n_events: int, n_patients: int, conf_level: float) -> tuple[float, float]:
    """Return the shares at which so many events or more, and so few or less, have half the error probability each."""
    from scipy.special import betaincinv

    tail, others = 0.5 - conf_level / 2.0, n_patients - n_events
    low = 0.0 if n_events == 0 else float(betaincinv(n_events, others + 1, tail))
    high = 1.0 if others == 0 else float(betaincinv(n_events + 1, others, 1.0 - tail))
    return low, high
