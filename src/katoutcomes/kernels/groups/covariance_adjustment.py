"""Analysis of covariance: least squares with a covariance that does not assume equal variances (HC3)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RANK_TOLERANCE = 1e-7
"""A column is called dependent if, after the columns before it, less than this share of its length is left; the
value that R's `lm` uses."""

_ROUNDING = float(np.finfo(np.float64).eps)
"""A fit is perfect if no residual is larger than this, times the rows, times the size of what was summed up: more the
rounding of the sums cannot account for."""

_FULL_LEVERAGE = 1.0 - 1e-10
"""Above this a patient's residual is 0 whatever the score, and HC3 divides by (1 - leverage) squared."""


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """An ordinary least-squares fit with HC3 covariance, or the reason why there is none.

    Attributes
    ----------
    status : str
        ``"ok"``, ``"too few rows"`` (no more rows than columns), ``"dependent column"`` or ``"full leverage"`` (one
        row alone decides a coefficient).
    problem_columns : tuple of int
        The columns to blame when `status` is ``"dependent column"`` or ``"full leverage"``.
    coefficients : ndarray of float64, shape (n_columns,)
        NaN unless `status` is ``"ok"``, like everything below.
    covariance : ndarray of float64, shape (n_columns, n_columns)
        HC3 covariance of the coefficients; exactly 0 where every residual is 0 but for rounding.
    df : float
        Rows minus columns.
    max_leverage : float
        Largest diagonal element of the hat matrix, between 0 and 1.
    """

    status: str
    problem_columns: tuple[int, ...]
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    df: float
    max_leverage: float


@dataclass(frozen=True, slots=True)
class Contrast:
    """A weighted sum of coefficients with its t interval.

    Attributes
    ----------
    estimate, std_error, df : float
        The sum, its standard error and the degrees of freedom.
    conf_low, conf_high : float
        Limits of the t interval.
    statistic, p_value : float
        t against 0, and its two-sided p-value.

    Notes
    -----
    Of a perfect fit (no residual but rounding) there are the estimate and `df` alone; the rest is NaN.
    """

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class CovarianceAdjustment:
    """Two adjusted means and their difference.

    Attributes
    ----------
    fit : LeastSquares
        Columns: comparator, treatment (each 1 for its patients), then the covariates, centered at their means. The
        first two coefficients are therefore the adjusted means.
    treatment_mean, comparator_mean, difference : Contrast
        At the mean of every covariate over all patients; treatment minus comparator. NaN unless the fit is ``"ok"``.
    """

    fit: LeastSquares
    treatment_mean: Contrast
    comparator_mean: Contrast
    difference: Contrast


def least_squares(design: NDArray[np.float64], outcome: NDArray[np.float64]) -> LeastSquares:
    """Fit a linear model by least squares and estimate the covariance of its coefficients by HC3.

    With the hat values hᵢ and residuals eᵢ, HC3 = (XᵀX)⁻¹ Xᵀ diag(eᵢ²/(1 − hᵢ)²) X (XᵀX)⁻¹. It needs no equal
    variances and, of the usual forms, keeps its level best in small samples (Long and Ervin 2000).

    Parameters
    ----------
    design : ndarray of float64, shape (n_rows, n_columns)
        No NaN; the intercept is a column of it.
    outcome : ndarray of float64, shape (n_rows,)
        No NaN.

    Returns
    -------
    LeastSquares
        The fit, or a status that says what stands in its way and which columns cause it.

    References
    ----------
    MacKinnon JG, White H. Some heteroskedasticity-consistent covariance matrix estimators with improved finite sample
    properties. J Econom 1985;29:305-325. doi:10.1016/0304-4076(85)90158-7.
    Long JS, Ervin LH. Using heteroscedasticity consistent standard errors in the linear regression model. Am Stat
    2000;54:217-224. doi:10.1080/00031305.2000.10474549.

    Examples
    --------
    >>> import numpy as np
    >>> design = np.column_stack((np.ones(4), [0.0, 1.0, 2.0, 3.0]))
    >>> fit = least_squares(design, np.array([1.0, 2.0, 4.0, 5.0]))
    >>> fit.coefficients.round(3).tolist(), fit.df, round(fit.max_leverage, 3)
    ([0.9, 1.4], 2.0, 0.7)
    """
    n_rows, n_columns = design.shape
    if n_rows <= n_columns:
        return _no_fit("too few rows", (), n_columns)
    orthogonal, triangular = np.linalg.qr(design)
    # |r_jj| is what is left of column j after the columns before it: no pivoting, so the position names the column.
    left = np.abs(np.diag(triangular))
    dependent = np.flatnonzero(left <= _RANK_TOLERANCE * np.linalg.norm(design, axis=0))
    if dependent.size:
        return _no_fit("dependent column", tuple(int(column) for column in dependent), n_columns)
    leverage = np.einsum("ij,ij->i", orthogonal, orthogonal)
    decided_alone = np.flatnonzero(leverage >= _FULL_LEVERAGE)
    # Row j of this matrix gives coefficient j as a weighted sum of the outcomes.
    weights = np.linalg.solve(triangular, orthogonal.T)
    if decided_alone.size:
        share = np.abs(weights[:, decided_alone]).max(axis=1) / np.abs(weights).max(axis=1)
        blamed = np.flatnonzero(share > _RANK_TOLERANCE)
        return _no_fit("full leverage", tuple(int(column) for column in blamed), n_columns)
    coefficients = weights @ outcome
    residuals = outcome - design @ coefficients
    # What the sums behind a residual could be wrong by, nothing canceled: it follows the scale of outcome and design.
    rounding = _ROUNDING * n_rows * float((np.abs(design) @ (np.abs(weights) @ np.abs(outcome))).max())
    if np.abs(residuals).max() <= rounding:
        residuals = np.zeros(n_rows)
    scaled = weights * (residuals / (1.0 - leverage))
    return LeastSquares("ok", (), coefficients, scaled @ scaled.T, float(n_rows - n_columns), float(leverage.max()))


def contrast(fit: LeastSquares, weights: NDArray[np.float64], conf_level: float) -> Contrast:
    """Return a weighted sum of the coefficients of `fit`, with the t interval on its degrees of freedom.

    Parameters
    ----------
    fit : LeastSquares
        Without a fit everything is NaN.
    weights : ndarray of float64, shape (n_columns,)
        One weight a coefficient.
    conf_level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    Contrast
        Standard error, limits, statistic and p-value are NaN where the fit is perfect.

    Examples
    --------
    >>> import numpy as np
    >>> fit = least_squares(np.ones((4, 1)), np.array([1.0, 2.0, 4.0, 5.0]))
    >>> contrast(fit, np.array([1.0]), conf_level=0.95).estimate
    3.0
    """
    from scipy.special import stdtr, stdtrit

    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    estimate = float(weights @ fit.coefficients)
    variance = float(weights @ fit.covariance @ weights)
    if not variance > 0.0:  # NaN, or a perfect fit: an interval of no width would claim what nobody knows
        return Contrast(estimate, math.nan, fit.df, *(math.nan,) * 4)
    std_error = math.sqrt(variance)
    half_width = float(stdtrit(fit.df, 0.5 + conf_level / 2.0)) * std_error
    statistic = estimate / std_error
    return Contrast(
        estimate=estimate,
        std_error=std_error,
        df=fit.df,
        conf_low=estimate - half_width,
        conf_high=estimate + half_width,
        statistic=statistic,
        p_value=2.0 * float(stdtr(fit.df, -abs(statistic))),
    )


def covariance_adjustment(
    outcome: NDArray[np.float64],
    is_treatment: NDArray[np.bool_],
    covariates: NDArray[np.float64],
    conf_level: float,
) -> CovarianceAdjustment:
    """Compare two groups at equal covariates: outcome ~ group + covariates, least squares with HC3.

    Parameters
    ----------
    outcome : ndarray of float64, shape (n_patients,)
        No NaN.
    is_treatment : ndarray of bool, shape (n_patients,)
        True for the treatment group, False for the comparator.
    covariates : ndarray of float64, shape (n_patients, n_covariates)
        The baseline score and whatever else is adjusted for; no NaN.
    conf_level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    CovarianceAdjustment
        The adjusted means are predictions at the mean of every covariate over all patients of both groups, so that
        their difference is the coefficient of the group. In `fit.problem_columns` 0 is the comparator, 1 the
        treatment and 2 the first covariate.

    Examples
    --------
    >>> import numpy as np
    >>> baseline = np.array([10.0, 12.0, 14.0, 16.0, 11.0, 13.0, 15.0, 18.0])
    >>> outcome = np.array([6.0, 8.0, 9.0, 11.0, 3.0, 4.0, 6.0, 8.0])
    >>> is_treatment = np.arange(8) >= 4
    >>> adjusted = covariance_adjustment(outcome, is_treatment, baseline[:, None], conf_level=0.95)
    >>> round(adjusted.difference.estimate, 2), round(adjusted.difference.std_error, 2), adjusted.difference.df
    (-4.21, 0.28, 5.0)
    """
    # Centered, the adjusted means are coefficients: no small difference of large numbers in their standard errors.
    centered = covariates - covariates.mean(axis=0)
    n_columns = 2 + covariates.shape[1]
    # Of a covariate that is constant but for rounding only the rounding is left, which would pass the check of rank.
    left = np.linalg.norm(centered, axis=0)
    constant = np.flatnonzero(left <= _RANK_TOLERANCE * np.linalg.norm(covariates, axis=0))
    if constant.size:
        fit = _no_fit("dependent column", tuple(int(column) + 2 for column in constant), n_columns)
    else:
        fit = least_squares(np.column_stack((~is_treatment, is_treatment, centered)).astype(np.float64), outcome)
    comparator, treatment = np.eye(2, n_columns)
    return CovarianceAdjustment(
        fit,
        treatment_mean=contrast(fit, treatment, conf_level),
        comparator_mean=contrast(fit, comparator, conf_level),
        difference=contrast(fit, treatment - comparator, conf_level),
    )


def _no_fit(status: str, problem_columns: tuple[int, ...], n_columns: int) -> LeastSquares:
    nothing = np.full(n_columns, math.nan)
    return LeastSquares(status, problem_columns, nothing, np.outer(nothing, nothing), math.nan, math.nan)
