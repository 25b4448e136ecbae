"""What a kernel found as an estimate with its interval: shares of patients, and numbers of any record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.formatting import format_level

DEFAULT_SHARE_INTERVAL = "exact"
SHARE_INTERVAL_WORDS: Mapping[str, str] = MappingProxyType(
    {"exact": "exact intervals (Clopper and Pearson)", "wilson": "Wilson score intervals"}
)
"""How the methods section calls the interval of a share."""
SHARE_INTERVAL_SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "exact": "Clopper CJ, Pearson ES. Biometrika 1934;26:404-413. doi:10.1093/biomet/26.4.404",
        "wilson": "Wilson EB. J Am Stat Assoc 1927;22:209-212. doi:10.1080/01621459.1927.10502953",
    }
)
EXACT_SOURCE = SHARE_INTERVAL_SOURCES["exact"]


def share_interval_words(interval: str, conf_level: float) -> str:
    """Return how the methods section calls the interval of a share, with its level.

    Examples
    --------
    >>> share_interval_words("exact", 0.95)
    'exact 95% intervals (Clopper and Pearson)'
    """
    return SHARE_INTERVAL_WORDS[interval].replace("intervals", f"{format_level(conf_level)} intervals")


def share_estimate(
    term: str,
    n_counted: int,
    n_of: int,
    conf_level: float,
    interval: str = DEFAULT_SHARE_INTERVAL,
    **fields: Any,
) -> Estimate:
    """Return a share with its interval; NaN of nobody.

    Parameters
    ----------
    term : str
        To whom it applies.
    n_counted, n_of : int
        Numerator and denominator.
    conf_level : float
        Between 0 and 1, both excluded.
    interval : {"exact", "wilson"}
        Of the share.
    **fields
        Further fields of the estimate. `n_patients` is the denominator unless it is given.

    Examples
    --------
    >>> found = share_estimate("responders", 30, 40, 0.95, visit="week 12")
    >>> found.estimate, round(found.conf_low, 3), found.n_patients
    (0.75, 0.588, 40)
    """
    from katoutcomes.kernels.shares.proportions import share

    found = share(n_counted, n_of, conf_level, interval)
    common: dict[str, Any] = {"measure": "proportion", "n_patients": found.n_patients}
    return Estimate(
        term=term,
        estimate=found.estimate,
        conf_low=found.conf_low,
        conf_high=found.conf_high,
        conf_level=level_of(found.conf_low, conf_level),
        **(common | fields),
    )


def numbers_of(found: Any, conf_level: float, *fields: str) -> dict[str, Any]:
    """Return the estimate of a kernel's record with its limits, their level, and further fields.

    The level of an interval that does not exist is NaN.

    Parameters
    ----------
    found : record
        Anything with `estimate`, `conf_low`, `conf_high` and the further fields.
    conf_level : float
        Of the interval.
    *fields : str
        For example ``"std_error"``, ``"df"``, ``"p_value"``.
    """
    names = ("estimate", "conf_low", "conf_high", *fields)
    return {name: getattr(found, name) for name in names} | {"conf_level": level_of(found.conf_low, conf_level)}


def level_of(limit: float, conf_level: float) -> float:
    """Return the level, or NaN where there is no limit for it to belong to."""
    return NOT_A_NUMBER if math.isnan(limit) else conf_level
