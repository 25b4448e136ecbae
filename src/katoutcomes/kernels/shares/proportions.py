"""A share of patients with its interval: Wilson's, or the exact one of Clopper and Pearson."""

from __future__ import annotations

import math
from dataclasses import dataclass

INTERVALS: tuple[str, ...] = ("wilson", "exact")
"""Wilson's score interval covers on average what it promises; the exact one covers at least that, and is wider."""


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


def share(n_events: int, n_patients: int, conf_level: float, interval: str = "wilson") -> Share:
    """Return the share of `n_patients` to whom something applies, with its interval.

    Wilson's limits are the two proportions that a score test at level 1 − `conf_level` would just not reject. Unlike
    the interval "estimate ± z standard errors" they stay within 0 and 1 and keep their coverage where the share is
    near 0 or 1 and the patients are few. The exact limits are those of the binomial tail probabilities, which never
    cover less than promised, whatever the share.

    Parameters
    ----------
    n_events : int
        To how many it applies, 0 to `n_patients`.
    n_patients : int
        Of how many; 0 gives NaN throughout.
    conf_level : float
        Between 0 and 1, both excluded.
    interval : {"wilson", "exact"}
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
    Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-212.
    doi:10.1080/01621459.1927.10502953.
    Clopper CJ, Pearson ES. The use of confidence or fiducial limits illustrated in the case of the binomial.
    Biometrika 1934;26:404-413. doi:10.1093/biomet/26.4.404.
    Brown LD, Cai TT, DasGupta A. Interval estimation for a binomial proportion. Stat Sci 2001;16:101-133.
    doi:10.1214/ss/1009213286.

    Examples
    --------
    >>> half = share(5, 10, conf_level=0.95)
    >>> half.estimate, round(half.conf_low, 4), round(half.conf_high, 4)
    (0.5, 0.2366, 0.7634)
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
