"""Inference with few clinics: bias-reduced linearization (CR2) with Satterthwaite degrees of freedom, clinic means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClusterEstimate:
    """A coefficient with its small-sample inference.

    Attributes
    ----------
    estimate, std_error, df : float
        The coefficient, its standard error, and the degrees of freedom of its t distribution.
    conf_low, conf_high, statistic, p_value : float
        t interval and two-sided test against 0.
    n_clusters : int
        Clusters with a row.
    """

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    statistic: float
    p_value: float
    n_clusters: int


def cluster_robust(
    design: Floats,
    outcome: Floats,
    clusters: NDArray[np.int64],
    contrast: Floats,
    *,
    conf_level: float,
    weights: Floats | None = None,
) -> ClusterEstimate:
    """Test a combination of coefficients with CR2 standard errors and Satterthwaite degrees of freedom.

    Within each cluster the residuals are adjusted by the symmetric square root that makes the variance unbiased if rows
    were independent and equally variable; the degrees of freedom match mean and variance of the estimator there.

    Parameters
    ----------
    design : ndarray of float64, shape (n_rows, p)
        Columns that follow from others are allowed, as long as the contrast can be estimated.
    outcome : ndarray of float64, shape (n_rows,)
        No NaN.
    clusters : ndarray of int64, shape (n_rows,)
        Which cluster a row belongs to.
    contrast : ndarray of float64, shape (p,)
        Weights of the coefficients.
    conf_level : float
        Between 0 and 1.
    weights : ndarray of float64, shape (n_rows,), optional
        Of a weighted fit, above 0; the working model then has variances 1 / weight.

    References
    ----------
    Bell RM, McCaffrey DF. Bias reduction in standard errors for linear regression with multi-stage samples. Surv
    Methodol 2002;28:169-181.
    Pustejovsky JE, Tipton E. Small-sample methods for cluster-robust variance estimation and hypothesis testing in
    fixed effects models. J Bus Econ Stat 2018;36:672-683. doi:10.1080/07350015.2016.1247004.

    Examples
    --------
    >>> design = np.column_stack([np.ones(6), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])
    >>> outcome = np.array([1.0, 2.0, 3.0, 3.0, 4.0, 6.0])
    >>> found = cluster_robust(design, outcome, np.arange(6), np.array([0.0, 1.0]), conf_level=0.95)
    >>> round(found.std_error, 4), round(found.df, 2)  # with one row a cluster: Welch's
    (1.0541, 4.0)
    """
    root = np.ones(len(outcome)) if weights is None else np.sqrt(weights)
    columns, response = design * root[:, None], outcome * root
    bread: Floats = np.asarray(np.linalg.pinv(columns.T @ columns, hermitian=True), dtype=np.float64)
    coefficients = bread @ (columns.T @ response)
    residuals = response - columns @ coefficients
    codes = np.unique(clusters)
    direction = bread @ contrast
    # Row g: what the residuals of cluster g are multiplied by in the contrast's variance.
    pulls = np.zeros((codes.size, len(outcome)))
    for number, code in enumerate(codes):
        rows = clusters == code
        inside = columns[rows]
        hat = inside @ bread @ inside.T
        pulls[number, rows] = _inverse_root(np.eye(int(rows.sum())) - hat) @ (inside @ direction)
    variance = float(((pulls @ residuals) ** 2).sum())
    df = _satterthwaite(pulls, columns, bread)
    return _estimate(float(contrast @ coefficients), variance, df, conf_level, int(codes.size))


def _inverse_root(matrix: Floats) -> Floats:
    """Return the symmetric inverse square root, 0 in directions without variance."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-10
    powers = np.where(kept, 1.0 / np.sqrt(np.where(kept, values, 1.0)), 0.0)
    return np.asarray((vectors * powers) @ vectors.T)


def _satterthwaite(pulls: Floats, columns: Floats, bread: Floats) -> float:
    """Return 2 E(V)^2 / Var(V) under independent rows of equal variance: trace(G)^2 / sum(G * G), G = P (I - H) P'."""
    left = pulls - (pulls @ columns) @ bread @ columns.T
    spread = left @ left.T
    total = float((spread**2).sum())
    return float(np.trace(spread)) ** 2 / total if total > 0.0 else math.nan


def clinic_means_test(residual_means: Floats, is_treated: NDArray[np.bool_], conf_level: float) -> ClusterEstimate:
    """Compare the means of clinics of two policies by a t test: the clinic is the unit.

    Parameters
    ----------
    residual_means : ndarray of float64, shape (n_clinics,)
        Mean outcome of each clinic, after what the covariates explain within clinics.
    is_treated : ndarray of bool, shape (n_clinics,)
        Which clinics have the policy.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    ClusterEstimate
        Equal variances, clinics minus 2 degrees of freedom; NaN with fewer than two clinics of a policy.

    Examples
    --------
    >>> means, is_treated = np.array([1.0, 2.0, 3.0, 5.0]), np.array([False, False, True, True])
    >>> clinic_means_test(means, is_treated, 0.95).statistic.__round__(3)
    2.236
    """
    arms = [residual_means[is_treated], residual_means[~is_treated]]
    sizes = [arm.size for arm in arms]
    if min(sizes) < 2:
        return _estimate(math.nan, math.nan, math.nan, conf_level, sum(sizes))
    df = float(sum(sizes) - 2)
    pooled = sum(float(((arm - arm.mean()) ** 2).sum()) for arm in arms) / df
    variance = pooled * (1.0 / sizes[0] + 1.0 / sizes[1])
    return _estimate(float(arms[0].mean() - arms[1].mean()), variance, df, conf_level, sum(sizes))


def _estimate(estimate: float, variance: float, df: float, conf_level: float, n_clusters: int) -> ClusterEstimate:
    from scipy.special import stdtr, stdtrit

    if not (variance > 0.0 and df > 0.0):
        return ClusterEstimate(estimate, *(math.nan,) * 6, n_clusters=n_clusters)
    std_error = math.sqrt(variance)
    half = float(stdtrit(df, 0.5 + conf_level / 2.0)) * std_error
    statistic = estimate / std_error
    p_value = 2.0 * float(stdtr(df, -abs(statistic)))
    return ClusterEstimate(estimate, std_error, df, estimate - half, estimate + half, statistic, p_value, n_clusters)
