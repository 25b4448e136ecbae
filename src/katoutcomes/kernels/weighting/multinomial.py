"""Multinomial logistic regression for many sets of patient frequencies at once: propensities of more than two arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.cross_products import packed_products, solve_each, symmetric
from katoutcomes.kernels.weighting.logistic import (
    MOST_STEPS,
    PROBABILITY_LIMITS,
    RIDGE,
    from_standardized,
    standardized_columns,
)

Floats = NDArray[np.float64]
_TOLERANCE = 1e-9
_LARGEST_MOVE = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class MultinomialFits:
    """One fit for each set of frequencies.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (B, K - 1, 1 + p)
        Intercept and slopes of the log odds of each arm against the first.
    probabilities : ndarray of float64, shape (B, n_patients, K)
        Of every patient and arm, at least the limit, and scaled to sum to 1 again.
    n_limited : ndarray of float64, shape (B,)
        Patients (by frequency) of whom a probability lay below the limit.
    converged : ndarray of bool, shape (B,)
        Whether the score vanished.
    """

    coefficients: Floats
    probabilities: Floats
    n_limited: Floats
    converged: NDArray[np.bool_]


def fit_multinomial(
    design: Floats,
    codes: NDArray[np.int64],
    n_arms: int,
    frequencies: Floats,
    *,
    ridge: float = RIDGE,
    limit: float = PROBABILITY_LIMITS[0],
) -> MultinomialFits:
    """Fit P(arm = k) proportional to exp(a_k + x'b_k) to each set of frequencies, the first arm as reference.

    Parameters
    ----------
    design : ndarray of float64, shape (n_patients, p)
        Without an intercept and without NaN.
    codes : ndarray of int64, shape (n_patients,)
        The arm of each patient, 0 to `n_arms` - 1.
    n_arms : int
        2 or more.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    ridge, limit
        As in `fit_logistic`; with a ridge the answer depends a little on which arm is the reference.

    Examples
    --------
    >>> codes = np.array([0, 1, 2, 2])
    >>> fits = fit_multinomial(np.zeros((4, 1)), codes, 3, np.ones((1, 4)))
    >>> fits.probabilities[0, 0].round(3).tolist()
    [0.25, 0.25, 0.5]
    """
    columns, centers, scales = standardized_columns(design)
    beta, converged = _newton(columns, codes, n_arms, frequencies, ridge)
    raw = _probabilities(beta, columns)
    limited = np.maximum(raw, limit)
    probabilities = limited / limited.sum(axis=2, keepdims=True)
    outside = (raw < limit).any(axis=2)
    return MultinomialFits(
        coefficients=from_standardized(beta, centers, scales),
        probabilities=probabilities,
        n_limited=np.einsum("bn,bn->b", frequencies, outside.astype(np.float64)),
        converged=converged,
    )


def _probabilities(beta: Floats, columns: Floats) -> Floats:
    """Return the probabilities of all arms, shape (B, n_patients, K)."""
    eta = np.einsum("bkp,np->bnk", beta, columns)
    eta = np.concatenate([np.zeros((*eta.shape[:2], 1)), eta], axis=2)
    odds = np.exp(eta - eta.max(axis=2, keepdims=True))
    return np.asarray(odds / odds.sum(axis=2, keepdims=True))


def _newton(
    columns: Floats, codes: NDArray[np.int64], n_arms: int, frequencies: Floats, ridge: float
) -> tuple[Floats, NDArray[np.bool_]]:
    n_sets, n_columns, n_slopes = len(frequencies), columns.shape[1], n_arms - 1
    products, sizes = packed_products(columns), frequencies.sum(axis=1)
    outcome = (codes[:, None] == np.arange(1, n_arms)).astype(np.float64)
    penalty = np.concatenate([[0.0], np.full(n_columns - 1, ridge)]) * sizes[:, None, None]
    beta = np.zeros((n_sets, n_slopes, n_columns))
    converged = np.zeros(n_sets, dtype=np.bool_)
    for _ in range(MOST_STEPS):
        probability = _probabilities(beta, columns)[:, :, 1:]
        pull = frequencies[:, :, None] * (outcome - probability)
        score = np.einsum("bnk,np->bkp", pull, columns) - penalty * beta
        converged = np.abs(score).max(axis=(1, 2)) <= _TOLERANCE * np.maximum(sizes, 1.0)
        if converged.all():
            break
        information = _information(probability, frequencies, products, n_columns)
        diagonal = np.arange(n_slopes * n_columns)
        information[:, diagonal, diagonal] += np.tile(penalty[:, 0], (1, n_slopes))
        step = solve_each(information, score.reshape(n_sets, -1)).reshape(beta.shape)
        furthest = np.abs(np.einsum("bkp,np->bnk", step, columns)).max(axis=(1, 2))
        beta = beta + step * np.minimum(1.0, _LARGEST_MOVE / np.maximum(furthest, 1e-300))[:, None, None]
    return beta, converged


def _information(probability: Floats, frequencies: Floats, products: Floats, n_columns: int) -> Floats:
    """Return the information of all slopes, arm by arm, shape (B, (K - 1) p, (K - 1) p)."""
    n_sets, _, n_slopes = probability.shape
    whole = np.empty((n_sets, n_slopes, n_columns, n_slopes, n_columns))
    for one in range(n_slopes):
        for other in range(one, n_slopes):
            is_same = 1.0 if one == other else 0.0
            spread = frequencies * probability[:, :, one] * (is_same - probability[:, :, other])
            block = symmetric(spread @ products, n_columns)
            whole[:, one, :, other, :] = whole[:, other, :, one, :] = block
    return whole.reshape(n_sets, n_slopes * n_columns, n_slopes * n_columns)
