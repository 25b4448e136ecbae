"""Rubin's rules with the degrees of freedom of Barnard and Rubin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PooledEstimate:
    """An estimate over several imputations.

    Attributes
    ----------
    estimate, std_error, df : float
        Mean of the estimates, square root of the total variance, Barnard-Rubin degrees of freedom.
    conf_low, conf_high, statistic, p_value : float
        t interval and two-sided test against 0; NaN where all imputations agree without any variance.
    missing_information : float
        Fraction of missing information, (r + 2/(df + 3)) / (r + 1) with r the relative increase of the variance.
    within_variance, between_variance : float
        Mean variance inside imputations, variance between them.
    """

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    statistic: float
    p_value: float
    missing_information: float
    within_variance: float
    between_variance: float


def pool(estimates: Floats, variances: Floats, complete_df: float, conf_level: float) -> PooledEstimate:
    """Pool one number over imputations.

    T = W + (1 + 1/m) B; nu_old = (m - 1)/lambda^2 with lambda = (1 + 1/m) B / T; nu_observed = (nu_c + 1)/(nu_c + 3)
    nu_c (1 - lambda); df = 1 / (1/nu_old + 1/nu_observed).

    Parameters
    ----------
    estimates, variances : ndarray of float64, shape (m,)
        One an imputation, m at least 2.
    complete_df : float
        Degrees of freedom had nothing been missing; infinity for none.
    conf_level : float
        Between 0 and 1.

    References
    ----------
    Barnard J, Rubin DB. Small-sample degrees of freedom with multiple imputation. Biometrika 1999;86:948-955.
    doi:10.1093/biomet/86.4.948.

    Examples
    --------
    >>> found = pool(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]), 30.0, 0.95)
    >>> found.estimate, round(found.std_error, 4), round(found.df, 2)
    (2.0, 1.5275, 4.06)
    """
    from scipy.special import stdtr, stdtrit

    m = len(estimates)
    estimate, within = float(estimates.mean()), float(variances.mean())
    between = float(estimates.var(ddof=1))
    total = within + (1.0 + 1.0 / m) * between
    if not total > 0.0:
        return PooledEstimate(estimate, *(math.nan,) * 7, within_variance=within, between_variance=between)
    share = (1.0 + 1.0 / m) * between / total
    old = (m - 1.0) / share**2 if share > 0.0 else math.inf
    if math.isinf(complete_df):
        df = old
    else:
        seen = (complete_df + 1.0) / (complete_df + 3.0) * complete_df * (1.0 - share)
        df = 1.0 / (1.0 / old + 1.0 / seen) if seen > 0.0 else old
    increase = share / (1.0 - share) if share < 1.0 else math.inf
    missing = (increase + 2.0 / (df + 3.0)) / (increase + 1.0) if math.isfinite(increase) else 1.0
    std_error = math.sqrt(total)
    half = float(stdtrit(df, 0.5 + conf_level / 2.0)) * std_error
    statistic = estimate / std_error
    p_value = 2.0 * float(stdtr(df, -abs(statistic)))
    return PooledEstimate(
        estimate, std_error, df, estimate - half, estimate + half, statistic, p_value, missing, within, between
    )
