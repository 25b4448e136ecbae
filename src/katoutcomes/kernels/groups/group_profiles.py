"""Many groups beside each other: means adjusted for what they began with, and shares held against expected ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class AdjustedMeans:
    """Means of groups at the covariates of all patients.

    Attributes
    ----------
    means, std_errors, conf_low, conf_high : ndarray of float64, shape (n_groups,)
        NaN for a group without patients.
    within_sd : float
        Residual standard deviation, the same for all groups.
    df : float
        Patients less groups less covariates.
    """

    means: NDArray[np.float64]
    std_errors: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]
    within_sd: float
    df: float


@dataclass(frozen=True, slots=True, eq=False)
class StandardizedShares:
    """Shares of groups held against what their patients' covariates let expect.

    Attributes
    ----------
    observed : ndarray of int64, shape (n_groups,)
        How many of each group are counted.
    expected : ndarray of float64, shape (n_groups,)
        How many would be if each patient had the probability that a logistic model of all patients gives.
    standardized : ndarray of float64, shape (n_groups,)
        Observed over expected, times the share of all patients. Not kept below 1.
    conf_low, conf_high : ndarray of float64, shape (n_groups,)
        Exact limits of the observed share on the same scale, kept within 0 and 1; the model is taken as known.
    overall : float
        Share of all patients.
    is_separated : bool
        Whether the covariates tell exactly who is counted, or nobody or everybody is; then everything but the counts is
        NaN.
    """

    observed: NDArray[np.int64]
    expected: NDArray[np.float64]
    standardized: NDArray[np.float64]
    conf_low: NDArray[np.float64]
    conf_high: NDArray[np.float64]
    overall: float
    is_separated: bool


def adjusted_means(
    outcome: NDArray[np.float64],
    covariates: NDArray[np.float64],
    group: NDArray[np.int64],
    n_groups: int,
    conf_level: float,
) -> AdjustedMeans:
    """Return the mean of each group at the mean covariates of all: ȳᵢ − (x̄ᵢ − x̄)'b, with b estimated within groups.

    The standard error is s √(1/nᵢ + (x̄ᵢ − x̄)' W⁻¹ (x̄ᵢ − x̄)), with W the sums of squares and products within groups.

    Parameters
    ----------
    outcome : ndarray of float64, shape (n_patients,)
        No NaN.
    covariates : ndarray of float64, shape (n_patients, n_covariates)
        No NaN. A covariate that does not vary within groups is left out, as it cannot be told from the groups.
    group : ndarray of int64, shape (n_patients,)
        0 to `n_groups` − 1.
    n_groups : int
    conf_level : float
        Of the t intervals.

    Raises
    ------
    ValueError
        If there are no more patients than groups and covariates.

    References
    ----------
    Searle SR, Speed FM, Milliken GA. Population marginal means in the linear model. Am Stat 1980;34:216-221.
    doi:10.1080/00031305.1980.10483031.

    Examples
    --------
    >>> found = adjusted_means(
    ...     np.array([1.0, 2.0, 3.0, 5.0]), np.array([[0.0], [1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]), 2, 0.95
    ... )
    >>> found.means.tolist(), found.df
    ([2.25, 3.25], 1.0)
    """
    from scipy.special import stdtrit

    sizes = np.bincount(group, minlength=n_groups).astype(np.float64)
    counted = np.where(sizes > 0.0, sizes, np.nan)
    outcome_means = np.bincount(group, outcome, n_groups) / counted
    centers = np.column_stack([np.bincount(group, column, n_groups) / counted for column in covariates.T])
    within = covariates - centers[group]
    varying = np.sqrt((within**2).sum(axis=0)) > 1e-9 * np.sqrt((covariates**2).sum(axis=0))
    within, centers = within[:, varying], centers[:, varying]
    df = float(outcome.size - np.count_nonzero(sizes) - within.shape[1])
    if df < 1.0:
        raise ValueError("there are no more patients than groups and covariates.")
    inverse = np.linalg.pinv(within.T @ within)
    slopes = inverse @ (within.T @ outcome)
    residuals = outcome - outcome_means[group] - within @ slopes
    within_sd = math.sqrt(float(residuals @ residuals) / df)
    away = centers - covariates[:, varying].mean(axis=0)
    means = outcome_means - away @ slopes
    errors = within_sd * np.sqrt(1.0 / counted + np.einsum("ij,jk,ik->i", away, inverse, away))
    reach = float(stdtrit(df, 0.5 + conf_level / 2.0)) * errors
    return AdjustedMeans(means, errors, means - reach, means + reach, within_sd, df)


def standardized_shares_of_groups(
    counted: NDArray[np.bool_],
    covariates: NDArray[np.float64],
    group: NDArray[np.int64],
    n_groups: int,
    conf_level: float,
) -> StandardizedShares:
    """Return the share of each group by indirect standardization: observed over expected, times the overall share.

    Parameters
    ----------
    counted : ndarray of bool, shape (n_patients,)
        Who is counted.
    covariates : ndarray of float64, shape (n_patients, n_covariates)
        Of full rank beside a column of ones.
    group : ndarray of int64, shape (n_patients,)
        0 to `n_groups` − 1.
    n_groups : int
    conf_level : float
        Of the limits.

    References
    ----------
    Breslow NE, Day NE. Statistical Methods in Cancer Research II. IARC, 1987 (standardized ratios). Spiegelhalter DJ.
    Stat Med 2005;24:1185-1202. doi:10.1002/sim.1970 (risk-adjusted proportions).

    Examples
    --------
    >>> counted = np.array([1, 0, 1, 1, 0, 0, 1, 0], dtype=bool)
    >>> found = standardized_shares_of_groups(counted, np.zeros((8, 0)), np.array([0, 0, 0, 0, 1, 1, 1, 1]), 2, 0.95)
    >>> found.expected.tolist(), found.standardized.round(6).tolist()
    ([2.0, 2.0], [0.75, 0.25])
    """
    from scipy.special import betaincinv, expit

    from katoutcomes.kernels.logistic import logistic_regression

    sizes = np.bincount(group, minlength=n_groups)
    observed = np.bincount(group[counted], minlength=n_groups).astype(np.int64)
    design = np.column_stack((np.ones(counted.size), covariates))
    overall = float(counted.mean())
    unknown = np.full(n_groups, np.nan)
    fit = logistic_regression(design, counted) if 0.0 < overall < 1.0 else None
    if fit is None or fit.is_separated:
        return StandardizedShares(observed, unknown, unknown, unknown, unknown, overall, is_separated=True)
    expected = np.bincount(group, np.asarray(expit(design @ fit.coefficients)), n_groups).astype(np.float64)
    scale = np.divide(overall * sizes, expected, out=unknown.copy(), where=expected > 0.0)
    tail = (1.0 - conf_level) / 2.0
    low = np.where(observed > 0, betaincinv(np.maximum(observed, 1), sizes - observed + 1.0, tail), 0.0)
    high = np.where(observed < sizes, betaincinv(observed + 1.0, np.maximum(sizes - observed, 1), 1.0 - tail), 1.0)
    share = np.divide(observed, sizes, out=unknown.copy(), where=sizes > 0)
    low, high = (np.clip(np.where(sizes > 0, one, np.nan) * scale, 0.0, 1.0) for one in (low, high))
    return StandardizedShares(observed, expected, share * scale, low, high, overall, is_separated=False)
