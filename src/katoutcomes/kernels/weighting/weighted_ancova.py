"""Weighted least squares for many sets of weights at once, and robust variances for one set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.cross_products import packed_products, solve_each, symmetric

Floats = NDArray[np.float64]
_RIDGE = 1e-12
_FULL_LEVERAGE = 1e-10


def weighted_coefficients(design: Floats, response: Floats, weights: Floats, *, ridge: float = 0.0) -> Floats:
    """Return the coefficients of a linear model for each set of weights, shape (B, p).

    Parameters
    ----------
    design : ndarray of float64, shape (n_patients, p)
        No NaN; the intercept is a column of it.
    response : ndarray of float64, shape (n_patients,) or (B, n_patients)
        One response for all sets, or one a set; NaN only where the weight is 0.
    weights : ndarray of float64, shape (B, n_patients)
        0 or more.
    ridge : float, default 0
        Times the sum of the weights, added to the square of every column but the first: for standardized columns.

    Notes
    -----
    Columns that follow from others share their coefficient's part in a way that leaves predictions as they are.

    Examples
    --------
    >>> design = np.column_stack([np.ones(3), [0.0, 1.0, 2.0]])
    >>> weighted_coefficients(design, np.array([0.0, 1.0, 5.0]), np.array([[1.0, 1.0, 0.0]])).round(6).tolist()
    [[0.0, 1.0]]
    """
    n_columns = design.shape[1]
    gram = symmetric(weights @ packed_products(design), n_columns)
    # A level that a resample lost makes its column follow from the arms: a vanishing ridge decides what is left open.
    diagonal = np.arange(n_columns)
    gram[:, diagonal, diagonal] *= 1.0 + _RIDGE
    if ridge > 0.0:
        gram[:, diagonal[1:], diagonal[1:]] += ridge * weights.sum(axis=1, keepdims=True)
    right = (weights * np.nan_to_num(response)) @ design
    return solve_each(gram, right)


def arm_coefficients(covariates: Floats, response: Floats, weights: Sequence[Floats]) -> Floats:
    """Return the coefficients of one indicator an arm and the covariates, where each patient has a copy in each arm.

    The same as `weighted_coefficients` of the copies one below the other, without forming them: shape (B, K + p).

    Parameters
    ----------
    covariates : ndarray of float64, shape (n_patients, p)
        No NaN.
    response : ndarray of float64, shape (B, n_patients)
        Of every patient who has a weight in any arm.
    weights : sequence of ndarray of float64, shape (B, n_patients)
        Of the copies in each arm, 0 or more.

    Examples
    --------
    >>> weights = [np.array([[1.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 1.0]])]
    >>> arm_coefficients(np.zeros((3, 0)), np.array([[1.0, 3.0, 6.0]]), weights).round(6).tolist()
    [[2.0, 4.5]]
    """
    n_arms, n_columns = len(weights), covariates.shape[1]
    n_all = n_arms + n_columns
    both = np.sum(weights, axis=0)
    gram = np.zeros((len(both), n_all, n_all))
    right = np.empty((len(both), n_all))
    for arm, one in enumerate(weights):
        gram[:, arm, arm] = one.sum(axis=1)
        gram[:, arm, n_arms:] = gram[:, n_arms:, arm] = one @ covariates
        right[:, arm] = np.einsum("bn,bn->b", one, response)
    gram[:, n_arms:, n_arms:] = symmetric(both @ packed_products(covariates), n_columns)
    gram[:, np.arange(n_all), np.arange(n_all)] *= 1.0 + _RIDGE
    both *= response
    right[:, n_arms:] = both @ covariates
    return solve_each(gram, right)


def arm_design(arms: NDArray[np.int64], n_arms: int, covariates: Floats) -> Floats:
    """Return one indicator an arm and the covariates, shape (n_patients, n_arms + p)."""
    return np.column_stack([(arms[:, None] == np.arange(n_arms)).astype(np.float64), covariates])


@dataclass(frozen=True, slots=True, eq=False)
class RobustFit:
    """Coefficients of one weighted fit with a sandwich covariance.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (p,)
        Of the columns of the design.
    covariance : ndarray of float64, shape (p, p)
        As the kind says.
    influence : ndarray of float64, shape (n_patients, p)
        Each patient's part in the coefficients; their sum is 0 and, for kind "HC0", their cross-product the covariance.
    df : float
        Patients with a weight above 0, minus columns.
    """

    coefficients: Floats
    covariance: Floats
    influence: Floats
    df: float


HC_KINDS: tuple[str, ...] = ("HC0", "HC1", "HC2", "HC3")


@dataclass(frozen=True, slots=True, eq=False)
class Nuisance:
    """A model whose estimates the weights rest on, for the stacked sandwich.

    Attributes
    ----------
    weight_slopes : ndarray of float64, shape (n_patients, q)
        Derivative of each patient's weight with respect to the parameters.
    influence : ndarray of float64, shape (n_patients, q)
        Each patient's part in the parameters.
    """

    weight_slopes: Floats
    influence: Floats


def robust_fit(
    design: Floats, response: Floats, weights: Floats, kind: str = "HC3", nuisances: Sequence[Nuisance] = ()
) -> RobustFit:
    """Fit one weighted linear model with a heteroskedasticity-consistent covariance.

    Parameters
    ----------
    design : ndarray of float64, shape (n_patients, p)
        Of full rank among the patients with a weight.
    response : ndarray of float64, shape (n_patients,)
        NaN only where the weight is 0.
    weights : ndarray of float64, shape (n_patients,)
        0 or more. Without `nuisances` they are taken as known.
    kind : {"HC0", "HC1", "HC2", "HC3"}, default "HC3"
        Which correction for the leverage of each patient.
    nuisances : sequence of Nuisance
        Models that the weights were made with: their uncertainty enters ("stacked" or M-estimation sandwich).

    Notes
    -----
    With A = X'WX and the scores s_i = w_i x_i (y_i - x_i'b), the influence of patient i is A^-1 (s_i + D u_i), where
    u_i is the patient's influence on the nuisance parameters and D the derivative of the summed scores with respect to
    these.

    References
    ----------
    Stefanski LA, Boos DD. The calculus of M-estimation. Am Stat 2002;56:29-38. doi:10.1198/000313002753631330.

    Examples
    --------
    >>> design = np.column_stack([np.ones(4), [0.0, 1.0, 2.0, 3.0]])
    >>> fit = robust_fit(design, np.array([1.0, 2.0, 4.0, 5.0]), np.ones(4), "HC0")
    >>> fit.coefficients.round(3).tolist(), fit.df
    ([0.9, 1.4], 2.0)
    """
    if kind not in HC_KINDS:
        raise ValueError(f"kind is one of {HC_KINDS}.")
    is_used = weights > 0.0
    known = np.where(is_used, response, 0.0)
    bread = np.linalg.pinv((design * weights[:, None]).T @ design, hermitian=True)
    coefficients = bread @ (design.T @ (weights * known))
    residuals = np.where(is_used, known - design @ coefficients, 0.0)
    leverage = weights * np.einsum("np,pq,nq->n", design, bread, design)
    df = float(is_used.sum() - np.linalg.matrix_rank(design[is_used]))
    scores = design * (weights * residuals * _inflation(leverage, is_used, kind, df))[:, None]
    for nuisance in nuisances:
        scores = scores + nuisance.influence @ ((design * residuals[:, None]).T @ nuisance.weight_slopes).T
    influence = scores @ bread
    return RobustFit(coefficients, influence.T @ influence, influence, df)


def _inflation(leverage: Floats, is_used: NDArray[np.bool_], kind: str, df: float) -> Floats:
    """Return what each residual is multiplied by."""
    # A patient who alone decides a coefficient has no residual to estimate a variance from: there is none.
    left = np.where(1.0 - leverage > _FULL_LEVERAGE, 1.0 - leverage, np.nan)
    if kind == "HC1":
        return np.full(leverage.shape, np.sqrt(is_used.sum() / df) if df > 0 else np.nan)
    if kind == "HC0":
        return np.ones(leverage.shape)
    power = {"HC2": -0.5, "HC3": -1.0}[kind]
    return np.asarray(left**power)


def logistic_influence(design: Floats, outcome: Floats, probability: Floats, frequencies: Floats) -> Floats:
    """Return each patient's part in the coefficients (intercept first) of a logistic fit, shape (n_patients, 1 + p).

    Parameters
    ----------
    design : ndarray of float64, shape (n_patients, p)
        Without the intercept.
    outcome, probability, frequencies : ndarray of float64, shape (n_patients,)
        Of the fit; patients with frequency 0 have no part.
    """
    columns = np.column_stack([np.ones(len(design)), design])
    scale = np.maximum(np.abs(columns).max(axis=0), 1e-300)
    scaled = columns / scale
    information = (scaled * (frequencies * probability * (1.0 - probability))[:, None]).T @ scaled
    scores = scaled * (frequencies * (outcome - probability))[:, None]
    return np.asarray((scores @ np.linalg.pinv(information, hermitian=True)) / scale)
