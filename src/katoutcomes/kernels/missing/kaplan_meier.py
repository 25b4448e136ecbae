"""How many are still there over time, with those who are seen for less time counted as long as they are seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class KaplanMeier:
    """The product-limit estimate at the times at which something happened; all arrays have shape (n_times,).

    Attributes
    ----------
    time : ndarray of float64
        Ascending; every time at which there was an event or somebody was seen for the last time.
    n_at_risk, n_events, n_censored : ndarray of int64
        Just before the time, and at it. Who is censored at a time is at risk at it.
    survival : ndarray of float64
        Share still without the event just after the time.
    std_error : ndarray of float64
        Greenwood's, of `survival`; 0 before the first event and NaN once nobody is left without it.
    conf_low, conf_high : ndarray of float64
        Limits from the log(-log) transform; NaN where `survival` is 1 or 0.
    """

    time: NDArray[np.float64]
    n_at_risk: NDArray[np.int64]
    n_events: NDArray[np.int64]
    n_censored: NDArray[np.int64]
    survival: NDArray[np.float64]
    std_error: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]


def kaplan_meier(time: NDArray[np.float64], is_event: NDArray[np.bool_], conf_level: float) -> KaplanMeier:
    """Return the Kaplan-Meier estimate with Greenwood's standard error and log(-log) limits.

    S(t) = Π (1 − dᵢ/nᵢ); its variance is S² Σ dᵢ/(nᵢ(nᵢ − dᵢ)); the limits are S^exp(±z se/(S log S)).

    Parameters
    ----------
    time : ndarray of float64, shape (n_patients,)
        When the event happened or the patient was last seen; no NaN.
    is_event : ndarray of bool, shape (n_patients,)
        Whether it was the event.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc 1958;53:457-481.
    doi:10.1080/01621459.1958.10501452. Kalbfleisch JD, Prentice RL. The statistical analysis of failure time data. New
    York: Wiley; 1980.

    Examples
    --------
    >>> import numpy as np
    >>> found = kaplan_meier(np.array([1.0, 2.0, 2.0, 4.0]), np.array([True, True, False, True]), 0.95)
    >>> found.n_at_risk.tolist(), found.survival.tolist()
    ([4, 3, 1], [0.75, 0.5, 0.0])
    """
    from scipy.special import ndtri

    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    if not np.isfinite(time).all():
        raise ValueError("every time is known and finite.")
    times, place = np.unique(time, return_inverse=True)
    n_all = np.bincount(place, minlength=len(times))
    n_events = np.bincount(place[is_event], minlength=len(times))
    n_at_risk = len(time) - np.concatenate([[0], np.cumsum(n_all)[:-1]]) if len(times) else n_all
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.asarray(np.cumprod(1.0 - n_events / n_at_risk), dtype=np.float64)
        greenwood = np.cumsum(n_events / (n_at_risk * (n_at_risk - n_events)))
        std_error = survival * np.sqrt(greenwood)
        width = float(ndtri(0.5 + conf_level / 2.0)) * np.sqrt(greenwood) / np.abs(np.log(survival))
        limits = (survival ** np.exp(width), survival ** np.exp(-width))
    is_inside = (survival > 0.0) & (survival < 1.0)
    low, high = (np.where(is_inside, limit, math.nan) for limit in limits)
    return KaplanMeier(
        time=times.astype(np.float64),
        n_at_risk=n_at_risk.astype(np.int64),
        n_events=n_events.astype(np.int64),
        n_censored=(n_all - n_events).astype(np.int64),
        survival=survival,
        std_error=std_error,
        conf_low=low,
        conf_high=high,
    )
