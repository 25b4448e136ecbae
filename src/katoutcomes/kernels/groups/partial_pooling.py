"""Means of groups drawn towards each other by as much as they say too little alone (random-effects model)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

METHODS: tuple[str, ...] = ("reml", "dersimonian_laird", "paule_mandel")
"""How the variance between groups is estimated; Paule and Mandel's is also called empirical Bayes."""

_MOST_STEPS = 500
_SMALL_STEP = 1e-13


@dataclass(frozen=True, slots=True, eq=False)
class PartialPooling:
    """Groups as draws from one distribution.

    Attributes
    ----------
    mean, mean_std_error, mean_conf_low, mean_conf_high : float
        Mean of the distribution of groups, μ, and its normal interval.
    between_variance : float
        τ², 0 where groups differ no more than their errors make them.
    between_conf_low, between_conf_high : float
        Q-profile limits of τ², 0 or above; 0 and 0 where even no variance is too much for so alike groups.
    heterogeneity, df : float
        Cochran's Q and its degrees of freedom.
    p_value : float
        Of Q, if groups did not differ.
    pooled, pooled_std_error, pooled_conf_low, pooled_conf_high : ndarray of float64, shape (n_groups,)
        Best linear unbiased predictions of the groups' own means, and their normal intervals. The error of μ is in
        them, that of τ² is not.
    own_weight : ndarray of float64, shape (n_groups,)
        τ² / (τ² + v): how much of a pooled mean is the group's own; the rest is μ.
    """

    mean: float
    mean_std_error: float
    mean_conf_low: float
    mean_conf_high: float
    between_variance: float
    between_conf_low: float
    between_conf_high: float
    heterogeneity: float
    df: float
    p_value: float
    pooled: NDArray[np.float64]
    pooled_std_error: NDArray[np.float64]
    pooled_conf_low: NDArray[np.float64]
    pooled_conf_high: NDArray[np.float64]
    own_weight: NDArray[np.float64]


def partial_pooling(
    estimates: NDArray[np.float64], variances: NDArray[np.float64], conf_level: float, method: str = "reml"
) -> PartialPooling:
    """Return estimates of groups pooled partially: each drawn towards the mean of all by its own uncertainty.

    The model is yᵢ = μ + uᵢ + eᵢ with var(uᵢ) = τ² and var(eᵢ) = vᵢ known. The pooled estimate of a group is
    λᵢyᵢ + (1 − λᵢ)μ̂ with λᵢ = τ²/(τ² + vᵢ), its variance λᵢvᵢ + (1 − λᵢ)² var(μ̂).

    Parameters
    ----------
    estimates : ndarray of float64, shape (n_groups,)
        Means, differences or other effects of at least two groups; no NaN.
    variances : ndarray of float64, shape (n_groups,)
        Their squared standard errors, above 0.
    conf_level : float
        Between 0 and 1, both excluded.
    method : {"reml", "dersimonian_laird", "paule_mandel"}
        How τ² is estimated.

    Raises
    ------
    ValueError
        If there are fewer than two groups, or a variance is not above 0, or the method is not known.

    References
    ----------
    DerSimonian R, Laird N. Control Clin Trials 1986;7:177-188. doi:10.1016/0197-2456(86)90046-2. Raudenbush SW. In:
    Handbook of Research Synthesis and Meta-Analysis, 2009 (predictions, REML). Viechtbauer W. Confidence intervals for
    the amount of heterogeneity in meta-analysis. Stat Med 2007;26:37-52. doi:10.1002/sim.2514 (Q-profile).

    Examples
    --------
    >>> found = partial_pooling(np.array([-8.0, -5.0, -2.0]), np.array([1.0, 1.0, 4.0]), 0.95)
    >>> round(found.mean, 2), round(found.between_variance, 2), found.pooled.round(2).tolist()
    (-5.33, 6.15, [-7.63, -5.05, -3.31])
    """
    _require(estimates, variances, conf_level, method)
    tau2 = _METHODS[method](estimates, variances)
    return _pooled(estimates, variances, tau2, conf_level)


def _pooled(y: NDArray[np.float64], v: NDArray[np.float64], tau2: float, conf_level: float) -> PartialPooling:
    from scipy.special import chdtrc, ndtri

    z = float(ndtri(0.5 + conf_level / 2.0))
    mean, variance = _weighted(y, v + tau2)
    error = float(np.sqrt(variance))
    own = tau2 / (tau2 + v)
    pooled = own * y + (1.0 - own) * mean
    pooled_error = np.sqrt(own * v + (1.0 - own) ** 2 * variance)
    heterogeneity = _cochran(y, v, 0.0)
    low, high = _profile(y, v, conf_level)
    return PartialPooling(
        mean=mean,
        mean_std_error=error,
        mean_conf_low=mean - z * error,
        mean_conf_high=mean + z * error,
        between_variance=tau2,
        between_conf_low=low,
        between_conf_high=high,
        heterogeneity=heterogeneity,
        df=float(y.size - 1),
        p_value=float(chdtrc(y.size - 1.0, heterogeneity)),
        pooled=pooled,
        pooled_std_error=pooled_error,
        pooled_conf_low=pooled - z * pooled_error,
        pooled_conf_high=pooled + z * pooled_error,
        own_weight=own,
    )


def _weighted(y: NDArray[np.float64], v: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean weighted by 1/v, and its variance."""
    weights = 1.0 / v
    total = float(weights.sum())
    return float(weights @ y) / total, 1.0 / total


def _cochran(y: NDArray[np.float64], v: NDArray[np.float64], tau2: float) -> float:
    """Return Q(τ²) = Σ (y − μ̂)² / (v + τ²), which falls as τ² grows."""
    mean, _ = _weighted(y, v + tau2)
    return float(((y - mean) ** 2 / (v + tau2)).sum())


def _dersimonian_laird(y: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    weights = 1.0 / v
    spread = float(weights.sum() - (weights**2).sum() / weights.sum())
    return max(0.0, (_cochran(y, v, 0.0) - (y.size - 1)) / spread)


def _paule_mandel(y: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    return _where_cochran_is(y, v, float(y.size - 1))


def _reml(y: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    """Return the τ² of restricted maximum likelihood by Fisher scoring, halving a step that goes below 0."""
    tau2 = _dersimonian_laird(y, v)
    for _ in range(_MOST_STEPS):
        w = 1.0 / (v + tau2)
        s1, s2, s3 = (float((w**power).sum()) for power in (1, 2, 3))
        residual = y - float(w @ y) / s1
        score = float((w**2) @ residual**2) - (s1 - s2 / s1)
        information = s2 - 2.0 * s3 / s1 + (s2 / s1) ** 2
        step = score / information
        if tau2 == 0.0 and step <= 0.0:
            return 0.0
        if tau2 + step < 0.0:
            # Below a share of the smallest variance nothing is left to be halved for.
            step = -tau2 if tau2 < 1e-12 * float(v.min()) else -tau2 / 2.0
        tau2 += step
        if abs(step) <= _SMALL_STEP * (tau2 + float(v.min())):
            return tau2
    return tau2


_METHODS: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {
    "reml": _reml,
    "dersimonian_laird": _dersimonian_laird,
    "paule_mandel": _paule_mandel,
}


def _profile(y: NDArray[np.float64], v: NDArray[np.float64], conf_level: float) -> tuple[float, float]:
    """Return the τ² at which Q is the upper and the lower quantile of its distribution."""
    from scipy.special import chdtri

    tail = (1.0 - conf_level) / 2.0
    df = float(y.size - 1)
    high_quantile, low_quantile = float(chdtri(df, tail)), float(chdtri(df, 1.0 - tail))
    return _where_cochran_is(y, v, high_quantile), _where_cochran_is(y, v, low_quantile)


def _where_cochran_is(y: NDArray[np.float64], v: NDArray[np.float64], wanted: float) -> float:
    """Return the τ² with Q(τ²) = wanted, 0 where Q is smaller from the start."""
    from scipy.optimize import brentq

    if _cochran(y, v, 0.0) <= wanted:
        return 0.0
    high = float(v.max()) + float(np.var(y))
    while _cochran(y, v, high) > wanted:
        high *= 2.0
    return float(brentq(lambda tau2: _cochran(y, v, tau2) - wanted, 0.0, high, xtol=1e-14, rtol=1e-14))


def _require(y: NDArray[np.float64], v: NDArray[np.float64], conf_level: float, method: str) -> None:
    if y.size < 2 or y.shape != v.shape:
        raise ValueError("partial pooling needs at least two groups, each with a variance.")
    if not (v > 0.0).all() or not np.isfinite(y).all():
        raise ValueError("estimates must be known and their variances above 0.")
    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}.")
