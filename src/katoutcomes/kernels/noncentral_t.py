"""The noncentral t distribution, inverted for its noncentrality: the interval of a mean in standard deviations.

T = (Z + δ) / S with Z standard normal and S² = χ²(df) / df. Libraries sum a series in δ that grows slow or wrong where
|t| is large, so the distribution function is integrated here, over S or over Z, whichever leaves the smoother
integrand; both are exact to rounding with a fixed number of nodes, for every df and t.
"""

from __future__ import annotations

import math

import numpy as np

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(128)
_Z_RANGE = 9.0
"""The standard normal beyond this is below 1e-18."""
_TAIL = 1e-18
"""Share of S left out on either side."""


def noncentral_t_sf(statistic: float, df: float, noncentrality: float) -> float:
    """Return P(T > `statistic`) for a noncentral t variable.

    Parameters
    ----------
    statistic : float
        0 or above; below 0, mirror both it and the noncentrality.
    df : float
        Degrees of freedom, above 0.
    noncentrality : float
        δ.

    Examples
    --------
    Without noncentrality it is the survival function of t.

    >>> round(noncentral_t_sf(2.0, 10.0, 0.0), 6)
    0.036694
    """
    # Seen from Z the event's edge is this wide, seen from S it is one over it: integrate where it is wide.
    if statistic < math.sqrt(2.0 * df):
        return _integral_over_s(statistic, df, noncentrality)
    return _integral_over_z(statistic, df, noncentrality)


def noncentrality_limits(statistic: float, df: float, conf_level: float) -> tuple[float, float]:
    """Return the two noncentralities under which `statistic` would just be extreme.

    The lower one is that under which a t at least as high has the probability (1 − `conf_level`)/2, the upper one that
    under which a t at most as high has it.

    Parameters
    ----------
    statistic : float
        The t that was found, finite.
    df : float
        Its degrees of freedom, 1 or above.
    conf_level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    tuple of float
        Lower and upper limit of the noncentrality.

    References
    ----------
    Steiger JH, Fouladi RT. Noncentrality interval estimation and the evaluation of statistical models. In: Harlow LL,
    Mulaik SA, Steiger JH (eds). What if there were no significance tests? Mahwah: Erlbaum; 1997:221-257.

    Examples
    --------
    >>> low, high = noncentrality_limits(2.6, 18.0, conf_level=0.95)
    >>> round(low, 3), round(high, 3)
    (0.436, 4.703)
    """
    if statistic < 0.0:
        low, high = noncentrality_limits(-statistic, df, conf_level)
        return -high, -low
    tail = (1.0 - conf_level) / 2.0
    return _noncentrality(statistic, df, tail), _noncentrality(statistic, df, 1.0 - tail)


def _noncentrality(statistic: float, df: float, upper_tail: float) -> float:
    """Return the δ under which P(T > statistic) is `upper_tail`."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    def excess(noncentrality: float) -> float:
        return noncentral_t_sf(statistic, df, noncentrality) - upper_tail

    # The normal approximation starts the bracket; it widens until it holds the root (the function rises with δ).
    step = math.sqrt(1.0 + statistic**2 / (2.0 * df))
    low = high = statistic + float(ndtri(upper_tail)) * step
    while excess(low) > 0.0:
        low -= step
    while excess(high) < 0.0:
        high += step
    return float(brentq(excess, low, high, xtol=1e-13, rtol=1e-14)) if low < high else low


def _integral_over_s(statistic: float, df: float, noncentrality: float) -> float:
    """Return E over S of Φ(δ − t S)."""
    from scipy.special import gammainccinv, gammaincinv, ndtr

    first = math.sqrt(2.0 / df * float(gammaincinv(df / 2.0, _TAIL)))
    last = math.sqrt(2.0 / df * float(gammainccinv(df / 2.0, _TAIL)))
    s = first + (last - first) * (_NODES + 1.0) / 2.0
    # The density of S up to a factor, which dividing by the sum takes care of: no gamma function of a large df.
    density = _WEIGHTS * np.exp((df - 1.0) * np.log(s) - df * (s - 1.0) * (s + 1.0) / 2.0)
    return float(density @ ndtr(noncentrality - statistic * s) / density.sum())


def _integral_over_z(statistic: float, df: float, noncentrality: float) -> float:
    """Return E over Z of P(S < (Z + δ) / t), which is 0 below Z = −δ."""
    from scipy.special import gammainc

    first = min(max(-noncentrality, -_Z_RANGE), _Z_RANGE)
    z = first + (_Z_RANGE - first) * (_NODES + 1.0) / 2.0
    density = _WEIGHTS * (_Z_RANGE - first) / 2.0 * np.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    s = np.maximum(z + noncentrality, 0.0) / statistic
    return float(density @ gammainc(df / 2.0, df * s * s / 2.0))
