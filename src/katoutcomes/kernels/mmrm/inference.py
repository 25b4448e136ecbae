"""Standard errors, degrees of freedom and tests of linear combinations of the coefficients.

References
----------
Fai AHT, Cornelius PL. J Stat Comput Simul 1996;54:363-378. doi:10.1080/00949659608811740
Kenward MG, Roger JH. Biometrics 1997;53:983-997. doi:10.2307/2533558
Kenward MG, Roger JH. Comput Stat Data Anal 2009;53:2583-2595. doi:10.1016/j.csda.2008.12.013
Kuznetsova A, Brockhoff PB, Christensen RHB. J Stat Softw 2017;82(13). doi:10.18637/jss.v082.i13
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.kernels.mmrm.likelihood import sandwiched

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from katoutcomes.kernels.mmrm.fit import RepeatedMeasuresFit

_DEPENDENT = 1e-10
DF_METHODS: tuple[str, ...] = ("satterthwaite", "kenward-roger", "kenward-roger-linear", "asymptotic")


@dataclass(frozen=True, slots=True, eq=False)
class LinearTests:
    """Linear combinations of the coefficients, each tested against 0.

    Attributes
    ----------
    estimate, std_error, df, statistic, p_value : ndarray of float64, shape (l,)
        One t test a combination; `df` is infinite for the asymptotic method.
    """

    estimate: NDArray[np.float64]
    std_error: NDArray[np.float64]
    df: NDArray[np.float64]
    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class JointTest:
    """Several linear combinations together, all 0 under the hypothesis.

    Attributes
    ----------
    numerator_df : int
        Number of linearly independent combinations.
    df : float
        Denominator degrees of freedom.
    statistic, p_value : float
        The F test.
    """

    numerator_df: int
    df: float
    statistic: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """All that is needed to test combinations of the coefficients.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (Q,)
        0 for aliased columns.
    to_original : ndarray of float64, shape (Q, q)
        From the q working coefficients, whose design is orthonormal, to the original ones.
    working_covariance : ndarray of float64, shape (q, q)
        Model-based covariance of the working coefficients.
    covariance : ndarray of float64, shape (q, q)
        The one that standard errors are taken from.
    slopes : ndarray of float64, shape (k, q, q)
        Derivative of the information by each covariance parameter.
    theta_covariance : ndarray of float64, shape (k, k)
        Covariance of the covariance parameters.
    df_method : str
        One of `DF_METHODS`.
    robust_df : callable or None
        For robust covariances: degrees of freedom of combinations of the working coefficients, shape (l, q). It alone
        holds data of patients.
    """

    coefficients: NDArray[np.float64]
    to_original: NDArray[np.float64]
    working_covariance: NDArray[np.float64]
    covariance: NDArray[np.float64]
    slopes: NDArray[np.float64]
    theta_covariance: NDArray[np.float64]
    df_method: str
    robust_df: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None

    def original_covariance(self) -> NDArray[np.float64]:
        """Return the covariance of the original coefficients, 0 for aliased columns."""
        return np.asarray(self.to_original @ self.covariance @ self.to_original.T)


def linear_model(fit: RepeatedMeasuresFit, df_method: str) -> LinearModel:
    """Return what tests of coefficients need, with the covariance adjusted where the method says so.

    Parameters
    ----------
    fit : RepeatedMeasuresFit
        A converged fit.
    df_method : str
        One of `DF_METHODS`. Kenward-Roger's covariance depends on how the covariance is parametrized unless it is
        linear, which is why the linear form is preferred.
    """
    covariance = fit.at.coefficient_covariance
    if df_method in ("kenward-roger", "kenward-roger-linear"):
        covariance = _kenward_roger(fit, is_linear=df_method.endswith("linear"))
    return LinearModel(
        coefficients=np.where(fit.work.kept, fit.coefficients, 0.0),
        to_original=fit.work.to_original,
        working_covariance=fit.at.coefficient_covariance,
        covariance=covariance,
        slopes=fit.slopes,
        theta_covariance=fit.theta_covariance,
        df_method=df_method,
    )


def _kenward_roger(fit: RepeatedMeasuresFit, *, is_linear: bool) -> NDArray[np.float64]:
    """Return the covariance of the coefficients with Kenward and Roger's two corrections."""
    work, inverse, phi = fit.work, fit.at.inverse, fit.at.coefficient_covariance
    variance = fit.theta_covariance
    groups = work.statistics.group
    n_visits = work.scale.size
    rows, columns = np.tril_indices(n_visits)
    place = np.empty((n_visits, n_visits), dtype=np.int64)
    place[rows, columns] = place[columns, rows] = np.arange(rows.size)
    elements = fit.jacobian @ variance @ fit.jacobian.T
    middle = np.zeros_like(inverse)
    size = fit.theta.size // fit.covariances.shape[0]
    for group in range(fit.covariances.shape[0]):
        cells = groups == group
        block = elements[group * rows.size : (group + 1) * rows.size, group * rows.size : (group + 1) * rows.size]
        # [a, d, b, c] = covariance of the elements (a, b) and (c, d)
        rearranged = block[place[:, None, :, None], place.T[None, :, None, :]].reshape(n_visits**2, -1)
        inner = inverse[cells].reshape(int(cells.sum()), -1) @ rearranged.T
        middle[cells] = inner.reshape(-1, n_visits, n_visits)
        if not is_linear:
            own = variance[group * size : (group + 1) * size, group * size : (group + 1) * size]
            middle[cells] -= 0.25 * np.tensordot(own, fit.curvatures[group], axes=2)
    flat = work.rows.reshape(work.rows.shape[0], -1)
    direct = flat @ sandwiched(inverse @ middle @ inverse, work.covariates) @ flat.T
    weighted = np.tensordot(variance, fit.slopes, axes=1)
    indirect = (fit.slopes @ phi @ weighted).sum(axis=0)
    adjusted = phi + 2.0 * phi @ (direct - indirect) @ phi
    return np.asarray(0.5 * (adjusted + adjusted.T))


def linear_tests(model: LinearModel, combinations: NDArray[np.float64]) -> LinearTests:
    """Return the t tests of linear combinations of the original coefficients.

    Parameters
    ----------
    model : LinearModel
        From `linear_model` or `sandwich.robust_model`.
    combinations : ndarray of float64, shape (l, Q)
        Weights of the coefficients, one combination a row; those of aliased columns count as 0
        (see `working_design.are_estimable`).
    """
    weights = combinations @ model.to_original
    estimate = combinations @ model.coefficients
    variance = ((weights @ model.covariance) * weights).sum(axis=1)
    # In tiny samples Kenward and Roger's adjusted covariance need not be positive definite.
    std_error = np.sqrt(np.where((variance > 0.0) | ~weights.any(axis=1), variance, np.nan))
    df = degrees_of_freedom(model, weights)
    statistic = np.divide(estimate, std_error, out=np.full_like(estimate, np.nan), where=std_error > 0.0)
    return LinearTests(estimate, std_error, df, statistic, _two_sided(statistic, df))


def _two_sided(statistic: NDArray[np.float64], df: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr, stdtr

    distance = -np.abs(statistic)
    finite = np.where(np.isinf(df), 1.0, df)
    return np.asarray(2.0 * np.where(np.isinf(df), ndtr(distance), stdtr(finite, distance)))


def degrees_of_freedom(model: LinearModel, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the degrees of freedom of combinations of the working coefficients, shape (l, q)."""
    if model.df_method == "asymptotic":
        return np.full(weights.shape[0], np.inf)
    if model.robust_df is not None:
        return model.robust_df(weights)
    # The one-dimensional rule of Kenward and Roger is Satterthwaite's.
    pushed = weights @ model.working_covariance
    gradient = -((pushed @ model.slopes) * pushed).sum(axis=2).T  # (l, k): the variance's derivative by each parameter
    spread = ((gradient @ model.theta_covariance) * gradient).sum(axis=1)
    variance = (weights * pushed).sum(axis=1)
    df: NDArray[np.float64] = np.full_like(spread, np.inf)
    np.divide(2.0 * variance**2, spread, out=df, where=spread > 0.0)
    return df


def joint_test(model: LinearModel, combinations: NDArray[np.float64]) -> JointTest:
    """Return the F test that several linear combinations of the original coefficients are all 0.

    Parameters
    ----------
    model : LinearModel
        From `linear_model` or `sandwich.robust_model`.
    combinations : ndarray of float64, shape (l, Q)
        One combination a row; those that follow from others do not count.
    """
    weights = combinations @ model.to_original
    estimates = combinations @ model.coefficients
    if model.df_method.startswith("kenward-roger"):
        return _kenward_roger_test(model, weights, estimates)
    return _eigenvector_test(model, weights, estimates)


def _eigenvector_test(model: LinearModel, weights: NDArray[np.float64], estimates: NDArray[np.float64]) -> JointTest:
    """Return the F test whose degrees of freedom come from those of independent one-dimensional tests."""
    values, vectors = np.linalg.eigh(weights @ model.covariance @ weights.T)
    used = values > 1e-10 * values[-1]
    values, vectors = values[used], vectors[:, used]
    rank = int(used.sum())
    statistic = float((((vectors.T @ estimates) ** 2) / values).sum()) / rank
    df = _combined_df(degrees_of_freedom(model, vectors.T @ weights))
    return JointTest(rank, df, statistic, _upper_f(statistic, rank, df))


def _combined_df(dfs: NDArray[np.float64]) -> float:
    """Return the denominator degrees of freedom of an F that is the mean of squared t with these degrees."""
    if np.isinf(dfs).all() or np.ptp(dfs) < 1e-8:
        return float(dfs.mean())
    if (dfs <= 2.0).any():
        return 2.0
    total = float(np.where(np.isinf(dfs), 1.0, dfs / (np.where(np.isinf(dfs), 3.0, dfs) - 2.0)).sum())
    return 2.0 * total / (total - dfs.size)


def _kenward_roger_test(model: LinearModel, weights: NDArray[np.float64], estimates: NDArray[np.float64]) -> JointTest:
    """Return Kenward and Roger's scaled F test (equations of their section 4).

    Where the data are so few that the moments which it matches do not exist, or the adjusted covariance is not positive
    definite, there is no test: NaN.
    """
    weights, estimates = _independent(weights, estimates)
    phi, variance = model.working_covariance, model.theta_covariance
    rank = weights.shape[0]
    pushed = weights @ phi
    theta = pushed.T @ np.linalg.solve(weights @ phi @ weights.T, pushed)
    products = theta @ model.slopes
    traces = np.trace(products, axis1=1, axis2=2)
    crossed = np.tensordot(products, products, axes=([1, 2], [2, 1]))
    a1 = float(traces @ variance @ traces)
    a2 = float((variance * crossed).sum())
    scale, df = _matched_moments(rank, a1, a2)
    adjusted = weights @ model.covariance @ weights.T
    if math.isnan(scale) or np.linalg.eigvalsh(adjusted)[0] <= 0.0:
        return JointTest(rank, math.nan, math.nan, math.nan)
    quadratic = float(estimates @ np.linalg.solve(adjusted, estimates))
    statistic = scale * quadratic / rank
    return JointTest(rank, df, statistic, _upper_f(statistic, rank, df))


def _independent(
    weights: NDArray[np.float64], estimates: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return orthonormal combinations that span the same hypothesis, and their estimates: F does not change."""
    size = np.sqrt((weights**2).sum(axis=1))
    size = np.where(size > 0.0, size, 1.0)
    left, values, right = np.linalg.svd(weights / size[:, None], full_matrices=False)
    rank = int((values > _DEPENDENT * values[0]).sum())
    return right[:rank], (left[:, :rank].T @ (estimates / size)) / values[:rank]


def _matched_moments(rank: int, a1: float, a2: float) -> tuple[float, float]:
    """Return the scale and the denominator degrees of freedom that match the moments of the statistic, NaN if none."""
    if not 0.0 < a2 < rank:
        return (1.0, math.inf) if a2 == 0.0 else (math.nan, math.nan)
    b = (a1 + 6.0 * a2) / (2.0 * rank)
    g = ((rank + 1.0) * a1 - (rank + 4.0) * a2) / ((rank + 2.0) * a2)
    base = 3.0 * rank + 2.0 * (1.0 - g)
    c1, c2, c3 = g / base, (rank - g) / base, (rank + 2.0 - g) / base
    mean = 1.0 / (1.0 - a2 / rank)
    if c3 * b >= 1.0 or c2 * b >= 1.0:
        return math.nan, math.nan
    spread = 2.0 / rank * (1.0 + c1 * b) / ((1.0 - c2 * b) ** 2 * (1.0 - c3 * b))
    excess = rank * spread / (2.0 * mean**2) - 1.0
    df = 4.0 + (rank + 2.0) / excess if excess > 0.0 else math.nan
    return (df / (mean * (df - 2.0)), df) if df > 2.0 else (math.nan, math.nan)


def _upper_f(statistic: float, numerator_df: int, df: float) -> float:
    from scipy.special import chdtrc, fdtrc

    if math.isinf(df):
        return float(chdtrc(numerator_df, numerator_df * statistic))
    return float(fdtrc(numerator_df, df, statistic))
