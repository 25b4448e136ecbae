"""A share of patients with the score interval of Wilson."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """A share of patients and its interval.

    Attributes
    ----------
    estimate : float
        `n_events` / `n_patients`, between 0 and 1; NaN without patients.
    conf_low, conf_high : float
        Limits of the Wilson score interval, between 0 and 1; NaN without patients.
    n_events, n_patients : int
        Numerator and denominator.
    """

    estimate: float
    conf_low: float
    conf_high: float
    n_events: int
    n_patients: int


def share(n_events: int, n_patients: int, conf_level: float) -> Share:
    """Return the share of `n_patients` to whom something applies, with its Wilson score interval.

    The limits are the two proportions that a score test at level 1 − `conf_level` would just not reject. Unlike the
    interval "estimate ± z standard errors" they stay within 0 and 1 and keep their coverage where the share is near
    0 or 1 and the patients are few.

    Parameters
    ----------
    n_events : int
        To how many it applies, 0 to `n_patients`.
    n_patients : int
        Of how many; 0 gives NaN throughout.
    conf_level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    Share
        The share and its limits.

    Raises
    ------
    ValueError
        If the counts or the level are outside their ranges.

    References
    ----------
    Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-212.
    doi:10.1080/01621459.1927.10502953.
    Brown LD, Cai TT, DasGupta A. Interval estimation for a binomial proportion. Stat Sci 2001;16:101-133.
    doi:10.1214/ss/1009213286.

    Examples
    --------
    >>> half = share(5, 10, conf_level=0.95)
    >>> half.estimate, round(half.conf_low, 4), round(half.conf_high, 4)
    (0.5, 0.2366, 0.7634)
    """
    from scipy.special import ndtri

    if not 0 <= n_events <= n_patients:
        raise ValueError("0 <= n_events <= n_patients is needed.")
    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    if n_patients == 0:
        return Share(math.nan, math.nan, math.nan, 0, 0)
    estimate = n_events / n_patients
    z_squared = float(ndtri(0.5 - conf_level / 2.0)) ** 2
    center = (n_events + z_squared / 2.0) / (n_patients + z_squared)
    variance = n_events * (1.0 - estimate) + z_squared / 4.0
    half_width = math.sqrt(z_squared * variance) / (n_patients + z_squared)
    conf_low = center - half_width
    # Without events center and half width are the same number; with nothing but events rounding would leave 1 - 1e-16.
    conf_high = 1.0 if n_events == n_patients else center + half_width
    return Share(estimate, conf_low, conf_high, int(n_events), int(n_patients))
