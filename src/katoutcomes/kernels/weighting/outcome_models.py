"""Standardization (g-computation) and augmented inverse-probability weighting, for many sets of frequencies at once.

Where outcomes are missing both work backwards: first the outcome given everything that was seen (the history), then
that given what was known at time zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.weighted_ancova import arm_design, weighted_coefficients

Floats = NDArray[np.float64]
Arms = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeModel:
    """What linear outcome models are fitted to.

    Attributes
    ----------
    outcome : ndarray of float64, shape (n_patients,)
        NaN where it is missing.
    arms : ndarray of int64, shape (n_patients,)
        0 for the comparator, then 1, 2, ...
    n_arms : int
        How many there are.
    covariates : ndarray of float64, shape (n_patients, p)
        Known at time zero.
    history : ndarray of float64, shape (n_patients, h), or None
        Covariates and what was seen since, from which missing outcomes are predicted; None: the observed stand for
        themselves.
    is_pooled : bool
        Whether all arms share the slopes.
    """

    outcome: Floats
    arms: Arms
    n_arms: int
    covariates: Floats
    history: Floats | None
    is_pooled: bool


def standardized_means(model: OutcomeModel, tilt: Floats, frequencies: Floats) -> Floats:
    """Return the mean predicted outcome of everybody under each arm, shape (B, K) (g-computation).

    Parameters
    ----------
    model : OutcomeModel
        The patients.
    tilt, frequencies : ndarray of float64, shape (B, n_patients)
        Weight in the target population, and how often each patient counts.

    References
    ----------
    Robins J. A new approach to causal inference in mortality studies with a sustained exposure period. Math Model
    1986;7:1393-1512. doi:10.1016/0270-0255(86)90088-6.
    """
    response, weights = _pseudo_outcome(model, None, frequencies)
    return _tilted_means(_predictions(model, model.covariates, response, weights), frequencies * tilt)


def augmented_means(
    model: OutcomeModel, propensities: Floats, observed: Floats, tilt: Floats, frequencies: Floats
) -> Floats:
    """Return doubly robust means of each arm, shape (B, K) (augmented inverse-probability weighting).

    The outcome model given the history, m, is corrected by the observed residuals, D = m + R/pi (Y - m); D is regressed
    on the covariates, q, and corrected by the residuals of the arm's own patients, q_k + 1(A = k)/e_k (D - q_k).

    Parameters
    ----------
    model : OutcomeModel
        The patients.
    propensities : ndarray of float64, shape (B, n_patients, K)
        e, the probability of each arm.
    observed : ndarray of float64, shape (B, n_patients)
        pi, the probability of having an outcome; of no consequence without a history.
    tilt, frequencies : ndarray of float64, shape (B, n_patients)
        Weight in the target population, and how often each patient counts.

    References
    ----------
    Bang H, Robins JM. Doubly robust estimation in missing data and causal inference models. Biometrics
    2005;61:962-973. doi:10.1111/j.1541-0420.2005.00377.x.
    """
    response, weights = _pseudo_outcome(model, observed, frequencies)
    predictions = _predictions(model, model.covariates, response, weights)
    values = corrected_predictions(response, model.arms, predictions, propensities)
    return _tilted_means(values, frequencies * tilt)


def corrected_predictions(response: Floats, arms: Arms, predictions: Floats, propensities: Floats) -> Floats:
    """Return q_k + 1(A = k)/e_k (D - q_k) of every patient and arm, shape (B, n_patients, K), from any outcome model.

    Parameters
    ----------
    response : ndarray of float64, shape (B, n_patients)
        D; a patient for whom it is NaN keeps the prediction.
    arms : ndarray of int64, shape (n_patients,)
        0 for the comparator, then 1, 2, ...
    predictions, propensities : ndarray of float64, shape (B, n_patients, K)
        q and e.

    Examples
    --------
    >>> predictions, propensities = np.array([[[1.0, 2.0]]]), np.array([[[0.5, 0.5]]])
    >>> corrected_predictions(np.array([[3.0]]), np.array([1]), predictions, propensities).tolist()
    [[[1.0, 4.0]]]
    """
    own = (arms[:, None] == np.arange(propensities.shape[2]))[None] & ~np.isnan(response)[:, :, None]
    return np.asarray(
        predictions + np.where(own, (np.nan_to_num(response)[:, :, None] - predictions) / propensities, 0.0)
    )


def _pseudo_outcome(model: OutcomeModel, observed: Floats | None, frequencies: Floats) -> tuple[Floats, Floats]:
    """Return the outcome with the missing ones predicted from the history, and the weights of those it is known of."""
    is_seen = ~np.isnan(model.outcome)
    seen_frequencies = np.where(is_seen, frequencies, 0.0)
    if model.history is None:
        return np.tile(model.outcome, (len(frequencies), 1)), seen_frequencies
    every_arm = _predictions(model, model.history, model.outcome, seen_frequencies)
    expected = np.take_along_axis(every_arm, model.arms[None, :, None], axis=2)[:, :, 0]
    if observed is None:
        return expected, frequencies
    corrected = expected + (np.nan_to_num(model.outcome) - expected) / observed
    return np.where(is_seen, corrected, expected), frequencies


def _predictions(model: OutcomeModel, columns: Floats, response: Floats, weights: Floats) -> Floats:
    """Return what a linear model predicts for every patient under every arm, shape (B, n_patients, K)."""
    arms, n_arms = model.arms, model.n_arms
    centered = columns - columns.mean(axis=0)
    if model.is_pooled:
        coefficients = weighted_coefficients(arm_design(arms, n_arms, centered), response, weights)
        shared = coefficients[:, n_arms:] @ centered.T
        return np.asarray(coefficients[:, None, :n_arms] + shared[:, :, None])
    design = np.column_stack([np.ones(len(arms)), centered])
    fits = [weighted_coefficients(design, response, np.where(arms == arm, weights, 0.0)) for arm in range(n_arms)]
    return np.stack([coefficients @ design.T for coefficients in fits], axis=2)


def _tilted_means(values: Floats, weights: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.einsum("bn,bnk->bk", weights, values) / weights.sum(axis=1, keepdims=True))
