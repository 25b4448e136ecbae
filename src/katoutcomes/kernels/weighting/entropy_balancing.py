"""Entropy balancing: the weights nearest to given ones under which an arm has exactly the means that it should have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.cross_products import packed_products, solve_each, symmetric

Floats = NDArray[np.float64]

_TOLERANCE = 1e-9
"""Largest distance of a weighted mean from its target, in standard deviations."""
_MOST_STEPS = 200
_MOST_HALVINGS = 30


@dataclass(frozen=True, slots=True, eq=False)
class EntropyWeights:
    """Weights of one arm, one row for each set of frequencies.

    Attributes
    ----------
    weights : ndarray of float64, shape (B, n_patients)
        Relative weights of one copy of each patient; over the copies of the arm their mean is 1. NaN where the means
        cannot be reached.
    converged : ndarray of bool, shape (B,)
        Whether every mean is reached. It cannot be where the target lies outside what the arm's patients span.
    """

    weights: Floats
    converged: NDArray[np.bool_]


def entropy_balancing(covariates: Floats, base_weights: Floats, targets: Floats) -> EntropyWeights:
    """Return weights w = base exp(x'c), normalized, with sum(w x) / sum(w) = target.

    The dual, log sum(base exp((x - target)'c)), is convex; it is minimized by Newton's method with halved steps.

    Parameters
    ----------
    covariates : ndarray of float64, shape (n_patients, p)
        Covariates of the patients of the arm, no NaN.
    base_weights : ndarray of float64, shape (B, n_patients)
        Frequencies, times whatever each copy should weigh before balancing.
    targets : ndarray of float64, shape (B, p)
        The means to reach.

    References
    ----------
    Hainmueller J. Entropy balancing for causal effects. Polit Anal 2012;20:25-46. doi:10.1093/pan/mpr025.

    Examples
    --------
    >>> covariates = np.array([[0.0], [1.0], [2.0]])
    >>> found = entropy_balancing(covariates, np.ones((1, 3)), np.array([[1.2]]))
    >>> bool(found.converged[0]), (found.weights[0] @ covariates / found.weights[0].sum()).round(9).tolist()
    (True, [1.2])
    """
    centers, scales = covariates.mean(axis=0), covariates.std(axis=0)
    scales = np.where(scales > 0.0, scales, 1.0)
    columns = (covariates - centers) / scales
    aims = (targets - centers) / scales
    problem = _Problem(columns, base_weights, aims)
    dual = np.zeros(aims.shape)
    shares, value = problem.shares(dual)
    products, size = packed_products(columns), columns.shape[1]
    for _ in range(_MOST_STEPS):
        means = shares @ columns
        gradient = means - aims
        # Near the optimum the value no longer tells progress, the gradient does.
        if (np.abs(gradient).max(axis=1, initial=0.0) <= _TOLERANCE).all():
            break
        hessian = symmetric(shares @ products, size) - means[:, :, None] * means[:, None, :]
        hessian[:, np.arange(size), np.arange(size)] += 1e-12
        step = -solve_each(hessian, gradient)
        dual, shares, value = _with_step(problem, dual, step, value)
    reached = np.abs(shares @ columns - aims).max(axis=1, initial=0.0) <= 1e3 * _TOLERANCE
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = np.where(base_weights > 0.0, shares * base_weights.sum(axis=1, keepdims=True) / base_weights, 0.0)
    return EntropyWeights(np.where(reached[:, None], weights, np.nan), reached)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """What is balanced: standardized columns, base weights, and the means to reach."""

    columns: Floats
    base_weights: Floats
    aims: Floats

    def shares(self, dual: Floats) -> tuple[Floats, Floats]:
        """Return weights that sum to 1, and the value of the dual."""
        exponent = dual @ self.columns.T
        top = np.where(self.base_weights > 0.0, exponent, -np.inf).max(axis=1)
        top = np.where(np.isfinite(top), top, 0.0)
        raw = self.base_weights * np.exp(np.minimum(exponent - top[:, None], 0.0))
        total = raw.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return raw / total[:, None], np.log(total) + top - np.einsum("bp,bp->b", dual, self.aims)


def _with_step(problem: _Problem, dual: Floats, step: Floats, value: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the dual after a step that is halved, set by set, until its value does not get worse."""
    size = np.ones(len(dual))
    step = np.where(np.isfinite(step), step, 0.0)
    for _ in range(_MOST_HALVINGS):
        moved = dual + size[:, None] * step
        shares, moved_value = problem.shares(moved)
        with np.errstate(invalid="ignore"):  # a set in which nobody has a weight has no value to get worse
            worse = moved_value > value + 1e-12 * np.maximum(np.abs(value), 1.0)
        if not worse.any():
            break
        size = np.where(worse, size / 2.0, size)
    return moved, shares, moved_value
